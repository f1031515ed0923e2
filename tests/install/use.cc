/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* use.cc: a program of somebody else's, in C++: parameters as C++ writes them,
 * and the handles in smart pointers. */

#include <d2v/d2v.h>

#include <cstdio>
#include <memory>
#include <vector>

using Model = std::unique_ptr<D2vModel, decltype (&d2v_model_unref)>;
using Session = std::unique_ptr<D2vSession, decltype (&d2v_session_unref)>;
using Tensor = std::unique_ptr<D2vTensor, decltype (&d2v_tensor_unref)>;
using Tensors = std::unique_ptr<D2vTensors, decltype (&d2v_tensors_unref)>;

static int
fail (const GError *error)
{
  std::fprintf (stderr, "%s\n", error->message);
  return 1;
}

int
main (int argc, char **argv)
{
  GError *error = nullptr;
  D2vSessionParams params{};
  const std::vector<gsize> shape{ 1, 16000 };

  if (argc < 2)
    return 2;
  params.device = "cpu";
  Model model{ d2v_model_open (argv[1], nullptr, &error), d2v_model_unref };
  if (!model)
    return fail (error);
  Session session{ d2v_session_new (model.get (), &params, &error),
                   d2v_session_unref };
  if (!session)
    return fail (error);
  Tensors inputs{ d2v_tensors_new (), d2v_tensors_unref };
  Tensor samples{ d2v_tensor_new (D2V_F32, 2, shape.data ()),
                  d2v_tensor_unref };
  d2v_tensors_set (inputs.get (), "input_values", samples.get ());
  Tensors outputs{ d2v_session_run (session.get (), inputs.get (),
                                    D2V_RUN_DEFAULT, nullptr, &error),
                   d2v_tensors_unref };
  if (!outputs)
    return fail (error);
  const D2vTensor *logits = d2v_tensors_get (outputs.get (), "logits");
  std::printf ("%u frames\n", (unsigned) d2v_tensor_shape (logits)[1]);
  return 0;
}
