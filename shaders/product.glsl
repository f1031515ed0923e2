/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product.glsl: y[m][n] = epilogue (sum over k of a (m, k) * w (n, k)).
 *
 * A workgroup makes TILE_M x TILE_N numbers, each invocation RUN_M x RUN_N of
 * them in registers; TILE_K columns of both factors at a time pass through
 * shared memory. Whoever includes this has load_a (), load_w () and store (),
 * called only with m < M, n < N and k < K. Sums are float whatever the
 * factors are stored as. */
layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint GROUP = 64;
layout (constant_id = 1) const uint TILE_M = 32;
layout (constant_id = 2) const uint TILE_N = 32;
layout (constant_id = 3) const uint TILE_K = 16;
layout (constant_id = 4) const uint RUN_M = 4;
layout (constant_id = 5) const uint RUN_N = 4;
#ifndef COOPMAT2
/* Of a cooperative matrix; then RUN_M and RUN_N count these. */
layout (constant_id = 6) const uint FRAGMENT_M = 16;
layout (constant_id = 7) const uint FRAGMENT_N = 16;
layout (constant_id = 8) const uint FRAGMENT_K = 16;
#endif

/* Rounds of a loop at a time: llvmpipe leaves every loop after 65535 rounds of
 * all loops of an invocation together. TILE_K is even. */
const uint STEP = 8;

#ifdef COOPMAT2
#include "product_coopmat2.glsl"
#elif defined COOPMAT
#include "product_coopmat.glsl"
#elif defined INT8
#include "product_int8.glsl"
#else

/* A row longer by one, so that a column is not in one bank. */
shared float tile_a[TILE_K * (TILE_M + 1)];
shared float tile_w[TILE_K * (TILE_N + 1)];

void
load_tiles (uint first_m, uint first_n, uint first_k, uint n_m)
{
  uint self = gl_LocalInvocationID.x;

  for (uint first = self; first < TILE_M * TILE_K; first += STEP * GROUP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u * GROUP < TILE_M * TILE_K)
        {
          uint i = first + u * GROUP, m = i / TILE_K, k = i % TILE_K;
          bool inside = first_m + m < n_m && first_k + k < K;
          float a = 0.0;
          if (inside)
            a = load_a (first_m + m, first_k + k);
          tile_a[k * (TILE_M + 1) + m] = a;
        }
  for (uint first = self; first < TILE_N * TILE_K; first += STEP * GROUP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u * GROUP < TILE_N * TILE_K)
        {
          uint i = first + u * GROUP, n = i / TILE_K, k = i % TILE_K;
          bool inside = first_n + n < N && first_k + k < K;
          float w = 0.0;
          if (inside)
            w = load_w (first_n + n, first_k + k);
          tile_w[k * (TILE_N + 1) + n] = w;
        }
}

void
multiply (uint n_m)
{
  uint first_n = gl_WorkGroupID.x * TILE_N;
  uint first_m = gl_WorkGroupID.y * TILE_M;
  /* Neighbours take neighbouring columns. */
  uint self_n = gl_LocalInvocationID.x % (TILE_N / RUN_N);
  uint self_m = gl_LocalInvocationID.x / (TILE_N / RUN_N);
  float sum[RUN_M * RUN_N];
  float w[RUN_N];

  for (uint i = 0; i < RUN_M * RUN_N; i++)
    sum[i] = 0.0;
  for (uint first_k = 0; first_k < K; first_k += TILE_K)
    {
      load_tiles (first_m, first_n, first_k, n_m);
      barrier ();
      for (uint self_k = 0; self_k < TILE_K; self_k += 2)
        [[unroll]] for (uint u = 0; u < 2; u++)
          {
            uint k = self_k + u;
            [[unroll]] for (uint j = 0; j < RUN_N; j++)
              w[j] = tile_w[k * (TILE_N + 1) + j * (TILE_N / RUN_N) + self_n];
            [[unroll]] for (uint i = 0; i < RUN_M; i++)
              {
                float a
                    = tile_a[k * (TILE_M + 1) + i * (TILE_M / RUN_M) + self_m];
                [[unroll]] for (uint j = 0; j < RUN_N; j++)
                  sum[i * RUN_N + j] = fma (a, w[j], sum[i * RUN_N + j]);
              }
          }
      barrier ();
    }
  for (uint i = 0; i < RUN_M; i++)
    for (uint j = 0; j < RUN_N; j++)
      {
        uint m = first_m + i * (TILE_M / RUN_M) + self_m;
        uint n = first_n + j * (TILE_N / RUN_N) + self_n;
        if (m < n_m && n < N)
          store (m, n, sum[i * RUN_N + j]);
      }
}
#endif
