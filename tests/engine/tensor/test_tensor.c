/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/tensor/tensor.h"

#include <math.h>
#include <string.h>

static void
test_sizes (void)
{
  g_autoptr (D2vTensor) t = d2v_tensor_new (D2V_F32, 3, (gsize[]){ 2, 3, 4 });

  g_assert_cmpuint (d2v_tensor_n_elements (t), ==, 24);
  g_assert_cmpuint (d2v_tensor_n_bytes (t), ==, 96);
  g_assert_cmpuint ((guintptr) d2v_tensor_data (t) % 64, ==, 0);
  for (guint i = 0; i < 24; i++)
    g_assert_cmpfloat (((gfloat *) d2v_tensor_data (t))[i], ==, 0);

  /* Also when a later dim is 0. */
  g_assert_null (d2v_tensor_new (
      D2V_F32, 3, (gsize[]){ 4194305, 4194305, 211106198978564 }));
  g_assert_null (d2v_tensor_new (D2V_F32, 3, (gsize[]){ G_MAXSIZE / 2, 3, 0 }));
  g_assert_null (
      d2v_tensor_new (D2V_F32, 9, (gsize[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }));
}

/* Every half there is, against arithmetic in double. */
static void
test_half (void)
{
  for (guint32 h = 0; h < 65536; h++)
    {
      guint16 bits = (guint16) h;
      guint exponent = (h >> 10) & 31, mantissa = h & 1023;
      gdouble expected = exponent == 0 ? ldexp (mantissa, -24)
                         : exponent == 31
                             ? (mantissa ? NAN : INFINITY)
                             : ldexp (1024 + mantissa, (gint) exponent - 25);
      gfloat found;

      if (h & 0x8000)
        expected = -expected;
      d2v_convert_to_f32 (D2V_F16, &bits, &found, 1);
      if (isnan (expected))
        g_assert_true (isnan (found));
      else
        g_assert_cmpfloat (found, ==, expected);
      g_assert_cmpint (!!signbit (found), ==,
                       isnan (expected) ? !!signbit (found)
                                        : !!signbit (expected));
    }
}

static void
test_convert (void)
{
  const gdouble doubles[] = { 0.1, -1e300, 5e-324, 1 };
  const gint16 shorts[] = { -32768, 32767 };
  const guint8 booleans[] = { 0, 1, 7 };
  const guint16 bfloats[] = { 0x3f80, 0xc000, 0x7f80 };
  gfloat out[4];
  guint8 odd[sizeof doubles + 1];

  d2v_convert_to_f32 (D2V_F64, doubles, out, 4);
  g_assert_cmpfloat (out[0], ==, 0.1f);
  g_assert_true (isinf (out[1]));
  g_assert_cmpfloat (out[2], ==, 0);
  /* At an address that no double may have. */
  memcpy (odd + 1, doubles, sizeof doubles);
  d2v_convert_to_f32 (D2V_F64, odd + 1, out, 4);
  g_assert_cmpfloat (out[3], ==, 1);
  d2v_convert_to_f32 (D2V_I16, shorts, out, 2);
  g_assert_cmpfloat (out[0], ==, -32768);
  d2v_convert_to_f32 (D2V_BOOL, booleans, out, 3);
  g_assert_cmpfloat (out[2], ==, 1);
  d2v_convert_to_f32 (D2V_BF16, bfloats, out, 3);
  g_assert_cmpfloat (out[0], ==, 1);
  g_assert_cmpfloat (out[1], ==, -2);
  g_assert_true (isinf (out[2]));
}

static void
test_integers (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTensor) bytes = d2v_tensor_new (D2V_I8, 1, (gsize[]){ 2 });
  g_autoptr (D2vTensor) floats = d2v_tensor_new (D2V_F32, 1, (gsize[]){ 2 });

  ((gint8 *) d2v_tensor_data (bytes))[1] = -5;
  g_autoptr (D2vTensor) wide = d2v_tensor_to_i64 (bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpint (((gint64 *) d2v_tensor_data (wide))[1], ==, -5);
  g_assert_null (d2v_tensor_to_i64 (floats, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

static void
test_named (void)
{
  g_autoptr (D2vTensors) set = d2v_tensors_new ();
  g_autoptr (D2vTensor) a = d2v_tensor_new (D2V_F32, 1, (gsize[]){ 1 });
  g_autoptr (D2vTensor) b = d2v_tensor_new (D2V_F32, 1, (gsize[]){ 2 });

  d2v_tensors_set (set, "z", a);
  d2v_tensors_set (set, "a", b);
  d2v_tensors_set (set, "z", b);
  g_assert_cmpuint (d2v_tensors_size (set), ==, 2);
  g_assert_cmpstr (d2v_tensors_name (set, 0), ==, "z");
  g_assert_true (d2v_tensors_get (set, "z") == b);
  g_assert_null (d2v_tensors_get (set, "y"));
  g_assert_null (d2v_tensors_name (set, 2));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tensor/sizes", test_sizes);
  g_test_add_func ("/tensor/half", test_half);
  g_test_add_func ("/tensor/convert", test_convert);
  g_test_add_func ("/tensor/integers", test_integers);
  g_test_add_func ("/tensor/named", test_named);
  return g_test_run ();
}
