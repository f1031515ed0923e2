/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product_coopmat2.glsl: product.glsl's multiply () in cooperative matrices as
 * large as the tile, which GL_NV_cooperative_matrix2 allows.
 *
 * The workgroup holds one matrix of sums: all of it where the device has
 * matrices of a workgroup, else it is one subgroup. The driver says which
 * invocation has which number, and calls finish () with its place, so that a
 * sum goes from its register to store (). */
#extension GL_NV_cooperative_matrix2 : require
#include "half_tiles.glsl"

layout (constant_id = 6) const uint SCOPE = gl_ScopeSubgroup;

#define MATRIX(type, rows, columns, use)                                       \
  coopmat<type, SCOPE, rows, columns, gl_MatrixUse##use>

float
finish (const in uint row, const in uint column, const in float sum,
        const in uint first_m, const in uint first_n, const in uint n_m)
{
  if (first_m + row < n_m && first_n + column < N)
    store (first_m + row, first_n + column, sum);
  return sum;
}

void
multiply (uint n_m)
{
  uint first_n = gl_WorkGroupID.x * TILE_N;
  uint first_m = gl_WorkGroupID.y * TILE_M;
  MATRIX (float, TILE_M, TILE_N, Accumulator) sum
      = MATRIX (float, TILE_M, TILE_N, Accumulator) (0.0);
  MATRIX (float16_t, TILE_M, TILE_K, A) a;
  MATRIX (float16_t, TILE_K, TILE_N, B) w;

  find_rows (first_m, n_m);
  for (uint first_k = 0; first_k < K; first_k += TILE_K)
    {
      load_tiles (first_m, first_n, first_k, n_m);
      barrier ();
      coopMatLoad (a, tile_a, 0, LONG, gl_CooperativeMatrixLayoutRowMajor);
      coopMatLoad (w, tile_w, 0, LONG, gl_CooperativeMatrixLayoutColumnMajor);
      sum = coopMatMulAdd (a, w, sum);
      barrier ();
    }
  coopMatPerElementNV (sum, sum, finish, first_m, first_n, n_m);
}
