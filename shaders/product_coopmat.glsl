/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product_coopmat.glsl: product.glsl's multiply () in cooperative matrices.
 *
 * Both factors pass through shared memory as 16-bit floats, which is where
 * ragged ends become zeros; each subgroup has RUN_M x RUN_N fragments of float
 * sums. How a fragment lies in the registers is the driver's affair, so a
 * finished one goes through shared memory, too, and then number by number to
 * store (). */
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require

#define MATRIX(type, rows, columns, use)                                       \
  coopmat<type, gl_ScopeSubgroup, rows, columns, gl_MatrixUse##use>

const uint SUBGROUPS_N = TILE_N / (RUN_N * FRAGMENT_N);
const uint SUBGROUPS = TILE_M / (RUN_M * FRAGMENT_M) * SUBGROUPS_N;
/* Of a row in shared memory: rows must begin at 16 bytes, and should not all
 * begin in one bank. */
const uint LONG = TILE_K + 8;

shared float16_t tile_a[TILE_M * LONG];
shared float16_t tile_w[TILE_N * LONG];
shared float finished[SUBGROUPS * FRAGMENT_M * FRAGMENT_N];

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
            a = load_a (first_m + m, first_k + k);
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
