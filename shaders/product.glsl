/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product.glsl: y[m][n] = epilogue (sum over k of a (m, k) * w (n, k)).
 *
 * A workgroup makes TILE_M x TILE_N numbers, each invocation RUN_M x RUN_N of
 * them in registers; TILE_K columns of both factors at a time pass through
 * shared memory. Whoever includes this has Row and row_of (), what all numbers
 * of a row of the left factor share, load_a (), load_w () and store (), called
 * only with m < M, n < N and k < K; and ROWS_DIVIDE where row_of () does so,
 * which is slow: then it is called once a row. Sums are float whatever the
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
 * all loops of an invocation together. */
const uint STEP = 8;

#ifdef ROWS_DIVIDE
shared Row rows[TILE_M];

/* Before the first row_at (). */
void
find_rows (uint first_m, uint n_m)
{
  for (uint m = gl_LocalInvocationID.x; m < TILE_M; m += GROUP)
    if (first_m + m < n_m)
      rows[m] = row_of (first_m + m);
  barrier ();
}

#define row_at(first_m, m) rows[m]
#else
#define find_rows(first_m, n_m)
#define row_at(first_m, m) row_of (first_m + m)
#endif

#ifdef COOPMAT2
#include "product_coopmat2.glsl"
#elif defined COOPMAT
#include "product_coopmat.glsl"
#elif defined INT8
#include "product_int8.glsl"
#else

/* Four rows of a factor in a word, as an invocation takes them: RUN_M and RUN_N
 * are multiples of 4, and TILE_K is even. One word more than there are, so that
 * a column is not in one bank. */
const uint WORDS_A = TILE_M / 4 + 1;
const uint WORDS_W = TILE_N / 4 + 1;
shared vec4 tile_a[TILE_K * WORDS_A];
shared vec4 tile_w[TILE_K * WORDS_W];

void
load_tiles (uint first_m, uint first_n, uint first_k, uint n_m)
{
  uint self = gl_LocalInvocationID.x;

  for (uint first = self; first < TILE_M * TILE_K; first += STEP * GROUP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u * GROUP < TILE_M * TILE_K)
        {
          uint i = first + u * GROUP, m = i / TILE_K, k = i % TILE_K;
          float a = 0.0;
          if (first_m + m < n_m && first_k + k < K)
            a = load_a (row_at (first_m, m), first_k + k);
          tile_a[k * WORDS_A + m / 4][m % 4] = a;
        }
  for (uint first = self; first < TILE_N * TILE_K; first += STEP * GROUP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u * GROUP < TILE_N * TILE_K)
        {
          uint i = first + u * GROUP, n = i / TILE_K, k = i % TILE_K;
          float w = 0.0;
          if (first_n + n < N && first_k + k < K)
            w = load_w (first_n + n, first_k + k);
          tile_w[k * WORDS_W + n / 4][n % 4] = w;
        }
}

void
multiply (uint n_m)
{
  const uint ACROSS = TILE_N / RUN_N, DOWN = TILE_M / RUN_M;
  uint first_n = gl_WorkGroupID.x * TILE_N;
  uint first_m = gl_WorkGroupID.y * TILE_M;
  /* Neighbours take neighbouring words. */
  uint self_n = gl_LocalInvocationID.x % ACROSS;
  uint self_m = gl_LocalInvocationID.x / ACROSS;
  vec4 sum[RUN_M * RUN_N / 4];
  vec4 w[RUN_N / 4];

  find_rows (first_m, n_m);
  for (uint i = 0; i < RUN_M * RUN_N / 4; i++)
    sum[i] = vec4 (0.0);
  for (uint first_k = 0; first_k < K; first_k += TILE_K)
    {
      load_tiles (first_m, first_n, first_k, n_m);
      barrier ();
      for (uint self_k = 0; self_k < TILE_K; self_k += 2)
        [[unroll]] for (uint u = 0; u < 2; u++)
          {
            uint k = self_k + u;
            [[unroll]] for (uint j = 0; j < RUN_N / 4; j++)
              w[j] = tile_w[k * WORDS_W + j * ACROSS + self_n];
            [[unroll]] for (uint i = 0; i < RUN_M / 4; i++)
              {
                vec4 a = tile_a[k * WORDS_A + i * DOWN + self_m];
                [[unroll]] for (uint r = 0; r < 4; r++)
                  [[unroll]] for (uint j = 0; j < RUN_N / 4; j++)
                    {
                      uint at = (i * 4 + r) * (RUN_N / 4) + j;
                      sum[at] = fma (vec4 (a[r]), w[j], sum[at]);
                    }
              }
          }
      barrier ();
    }
  for (uint i = 0; i < RUN_M; i++)
    for (uint j = 0; j < RUN_N; j++)
      {
        uint m = first_m + (i / 4 * DOWN + self_m) * 4 + i % 4;
        uint n = first_n + (j / 4 * ACROSS + self_n) * 4 + j % 4;
        if (m < n_m && n < N)
          store (m, n, sum[i * (RUN_N / 4) + j / 4][j % 4]);
      }
}
#endif
