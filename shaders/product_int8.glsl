/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* product_int8.glsl: product.glsl's multiply () with factors of 8 bits.
 *
 * Each row of the left factor is scaled so that its largest number becomes
 * 127, each row of weights was so when it was uploaded. Four numbers make a
 * word; sums are whole numbers and exact: the host sees to it that K is small
 * enough. Looking for the largest reads a row once more, which is little
 * beside the product.
 *
 * Whoever includes this has load_words () instead of load_w (), and
 * scale_w (). */

shared uint tile_a[TILE_K / 4 * (TILE_M + 1)];
shared uint tile_w[TILE_K / 4 * (TILE_N + 1)];
/* Invocations that share a row when its largest is sought. */
const uint PARTS = 8;
shared uint largest_part[TILE_M * PARTS]; /* as bits: NaN is above all */
shared uint largest[TILE_M];

#ifdef DOT
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction (extensions = [ "SPV_KHR_integer_dot_product" ],
                   capabilities = [ 6019, 6018 ], id = 4450) int
dot_words (uint a, uint w, spirv_literal int format);

int
dot_bytes (uint a, uint w)
{
  return dot_words (a, w, 0);
}
#else
int
byte (uint word, int i)
{
  return bitfieldExtract (int (word), 8 * i, 8);
}

int
dot_bytes (uint a, uint w)
{
  return byte (a, 0) * byte (w, 0) + byte (a, 1) * byte (w, 1)
         + byte (a, 2) * byte (w, 2) + byte (a, 3) * byte (w, 3);
}
#endif

void
find_largest (uint first_m, uint n_m)
{
  uint self = gl_LocalInvocationID.x;

  for (uint i = self; i < TILE_M * PARTS; i += GROUP)
    {
      uint m = i / PARTS, mine = 0;
      for (uint k = i % PARTS; k < K && first_m + m < n_m; k += PARTS)
        mine = max (mine, floatBitsToUint (load_a (row_at (first_m, m), k)) & 0x7fffffff);
      largest_part[i] = mine;
    }
  barrier ();
  for (uint i = self; i < TILE_M; i += GROUP)
    {
      uint all = 0;
      for (uint part = 0; part < PARTS; part++)
        all = max (all, largest_part[i * PARTS + part]);
      largest[i] = all;
    }
  barrier ();
}

/* What a number of row @m in the tile is multiplied with; 0 for rows that are
 * nothing beside a float's range. */
float
scale_of (uint m)
{
  float most = uintBitsToFloat (largest[m]);

  return most < 1e-30 ? 0.0 : 127.0 / most;
}

uint
pack_a (Row row, uint k, float scale)
{
  uint word = 0;

  for (uint i = 0; i < 4 && k + i < K; i++)
    {
      float x = roundEven (load_a (row, k + i) * scale);
      word |= (uint (int (clamp (x, -127.0, 127.0))) & 0xff) << 8 * i;
    }
  return word;
}

void
load_tiles (uint first_m, uint first_n, uint first_k, uint n_m)
{
  const uint WORDS = TILE_K / 4;
  uint self = gl_LocalInvocationID.x;

  for (uint i = self; i < TILE_M * WORDS; i += GROUP)
    {
      uint m = i / WORDS, k = i % WORDS, word = 0;
      if (first_m + m < n_m && first_k + 4 * k < K)
        word = pack_a (row_at (first_m, m), first_k + 4 * k, scale_of (m));
      tile_a[k * (TILE_M + 1) + m] = word;
    }
  for (uint i = self; i < TILE_N * WORDS; i += GROUP)
    {
      uint n = i / WORDS, k = i % WORDS, word = 0;
      if (first_n + n < N && first_k + 4 * k < K)
        word = load_words (first_n + n, first_k / 4 + k);
      tile_w[k * (TILE_N + 1) + n] = word;
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
  int sum[RUN_M * RUN_N];
  uint w[RUN_N];

  find_rows (first_m, n_m);
  find_largest (first_m, n_m);
  for (uint i = 0; i < RUN_M * RUN_N; i++)
    sum[i] = 0;
  for (uint first_k = 0; first_k < K; first_k += TILE_K)
    {
      load_tiles (first_m, first_n, first_k, n_m);
      barrier ();
      for (uint k = 0; k < TILE_K / 4; k++)
        {
          [[unroll]] for (uint j = 0; j < RUN_N; j++)
            w[j] = tile_w[k * (TILE_N + 1) + j * (TILE_N / RUN_N) + self_n];
          [[unroll]] for (uint i = 0; i < RUN_M; i++)
            {
              uint a
                  = tile_a[k * (TILE_M + 1) + i * (TILE_M / RUN_M) + self_m];
              [[unroll]] for (uint j = 0; j < RUN_N; j++)
                sum[i * RUN_N + j] += dot_bytes (a, w[j]);
            }
        }
      barrier ();
    }
  for (uint i = 0; i < RUN_M; i++)
    for (uint j = 0; j < RUN_N; j++)
      {
        uint in_tile = i * (TILE_M / RUN_M) + self_m;
        uint m = first_m + in_tile;
        uint n = first_n + j * (TILE_N / RUN_N) + self_n;
        if (m < n_m && n < N)
          store (m, n,
                 float (sum[i * RUN_N + j])
                     * (uintBitsToFloat (largest[in_tile]) / 127.0)
                     * scale_w (n));
      }
}
