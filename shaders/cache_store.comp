#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stores the new keys and values of qkv (B, T, 3C) at n_past of the cache
 * (2, B, S_max, C), before ATTENTION reads it. */
#extension GL_GOOGLE_include_directive : require
#include "elementwise.glsl"

layout (constant_id = 0) const uint C = 1;

layout (push_constant) uniform Push
{
  Floats qkv;
  Integers n_past;
  Result cache;
  layout (offset = SIZES) uint n; /* 2 * B * T * C */
  uint n_steps;
  uint batch_size;
  uint longest; /* S_max */
};

void
main ()
{
  uint i = item ();

  if (i >= n)
    return;
  uint c = i % C, t = i / C % n_steps, batch = i / C / n_steps % batch_size;
  uint which = i / C / n_steps / batch_size; /* 0: key, 1: value */
  uint past = bounded (n_past.v[0], longest - n_steps + 1);

  cache.v[((which * batch_size + batch) * longest + past + t) * C + c]
      = qkv.v[((batch * n_steps + t) * 3 + 1 + which) * C + c];
}
