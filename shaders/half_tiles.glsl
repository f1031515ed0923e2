/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* half_tiles.glsl: both factors of a product in shared memory, as 16-bit
 * floats. Ragged ends become zeros here, so that matrices need not know of
 * them. */
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

/* Of a row in shared memory: rows must begin at 16 bytes, and should not all
 * begin in one bank. */
const uint LONG = TILE_K + 8;

shared float16_t tile_a[TILE_M * LONG];
shared float16_t tile_w[TILE_N * LONG];

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
          tile_a[m * LONG + k] = float16_t (a);
        }
  for (uint first = self; first < TILE_N * TILE_K; first += STEP * GROUP)
    [[unroll]] for (uint u = 0; u < STEP; u++)
      if (first + u * GROUP < TILE_N * TILE_K)
        {
          uint i = first + u * GROUP, n = i / TILE_K, k = i % TILE_K;
          float w = 0.0;
          if (first_n + n < N && first_k + k < K)
            w = load_w (first_n + n, first_k + k);
          tile_w[n * LONG + k] = float16_t (w);
        }
}
