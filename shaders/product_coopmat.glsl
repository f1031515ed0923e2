/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product_coopmat.glsl: product.glsl's multiply () in cooperative matrices.
 *
 * Both factors pass through shared memory; each subgroup has RUN_M x RUN_N
 * fragments of float sums. How a fragment lies in the registers is the driver's
 * affair, so a finished one goes through shared memory, too, and then number by
 * number to store (). */
#extension GL_KHR_shader_subgroup_basic : require
#include "half_tiles.glsl"

#define MATRIX(type, rows, columns, use)                                       \
  coopmat<type, gl_ScopeSubgroup, rows, columns, gl_MatrixUse##use>

const uint SUBGROUPS_N = TILE_N / (RUN_N * FRAGMENT_N);
const uint SUBGROUPS = TILE_M / (RUN_M * FRAGMENT_M) * SUBGROUPS_N;
shared float finished[SUBGROUPS * FRAGMENT_M * FRAGMENT_N];

/* The finished fragments of all subgroups, of which this one's begins at
 * (@first_m, @first_n). */
void
store_fragment (uint first_m, uint first_n, uint n_m)
{
  uint at = gl_SubgroupID * FRAGMENT_M * FRAGMENT_N;

  for (uint i = gl_SubgroupInvocationID; i < FRAGMENT_M * FRAGMENT_N;
       i += gl_SubgroupSize)
    {
      uint m = first_m + i / FRAGMENT_N, n = first_n + i % FRAGMENT_N;
      if (m < n_m && n < N)
        store (m, n, finished[at + i]);
    }
}

void
multiply (uint n_m)
{
  uint first_n = gl_WorkGroupID.x * TILE_N;
  uint first_m = gl_WorkGroupID.y * TILE_M;
  /* In the tile. */
  uint self_n = gl_SubgroupID % SUBGROUPS_N * RUN_N * FRAGMENT_N;
  uint self_m = gl_SubgroupID / SUBGROUPS_N * RUN_M * FRAGMENT_M;
  MATRIX (float, FRAGMENT_M, FRAGMENT_N, Accumulator) sum[RUN_M * RUN_N];
  MATRIX (float16_t, FRAGMENT_M, FRAGMENT_K, A) a;
  MATRIX (float16_t, FRAGMENT_K, FRAGMENT_N, B) w[RUN_N];

  find_rows (first_m, n_m);
  for (uint i = 0; i < RUN_M * RUN_N; i++)
    sum[i] = MATRIX (float, FRAGMENT_M, FRAGMENT_N, Accumulator) (0.0);
  for (uint first_k = 0; first_k < K; first_k += TILE_K)
    {
      load_tiles (first_m, first_n, first_k, n_m);
      barrier ();
      for (uint k = 0; k < TILE_K; k += FRAGMENT_K)
        {
          [[unroll]] for (uint j = 0; j < RUN_N; j++)
            coopMatLoad (w[j], tile_w, (self_n + j * FRAGMENT_N) * LONG + k,
                         LONG, gl_CooperativeMatrixLayoutColumnMajor);
          [[unroll]] for (uint i = 0; i < RUN_M; i++)
            {
              coopMatLoad (a, tile_a, (self_m + i * FRAGMENT_M) * LONG + k,
                           LONG, gl_CooperativeMatrixLayoutRowMajor);
              [[unroll]] for (uint j = 0; j < RUN_N; j++)
                sum[i * RUN_N + j]
                    = coopMatMulAdd (a, w[j], sum[i * RUN_N + j]);
            }
        }
      barrier ();
    }
  [[unroll]] for (uint i = 0; i < RUN_M; i++)
    [[unroll]] for (uint j = 0; j < RUN_N; j++)
      {
        coopMatStore (sum[i * RUN_N + j], finished,
                      gl_SubgroupID * FRAGMENT_M * FRAGMENT_N, FRAGMENT_N,
                      gl_CooperativeMatrixLayoutRowMajor);
        barrier ();
        store_fragment (first_m + self_m + i * FRAGMENT_M,
                        first_n + self_n + j * FRAGMENT_N, n_m);
        barrier ();
      }
}
