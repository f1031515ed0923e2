#version 450
/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* y = softmax (q k' * scale + bias) v for each head, without ever holding all
 * weights of a query: an invocation has one query and its sum in registers,
 * keys and values pass through shared memory TILE at a time, and whenever a
 * larger score comes the sum so far is scaled down. With HALF, y is stored in
 * 16 bits.
 *
 * A key that does not count has the lowest score: it weighs 0 beside any
 * other, and when none counts all weigh the same, as in the original. */
#extension GL_GOOGLE_include_directive : require
#include "types.glsl"
#include "activation.glsl"
#ifdef HALF
#include "half.glsl"
#endif

layout (local_size_x_id = 0) in;
layout (constant_id = 0) const uint GROUP = 64;
layout (constant_id = 1) const uint D = 1; /* of a head */
layout (constant_id = 2) const uint HEADS = 1;
layout (constant_id = 3) const uint TILE = 1;
layout (constant_id = 4) const float SCALE = 1.0;
layout (constant_id = 5) const bool HAS_MASK = false;
layout (constant_id = 6) const bool CAUSAL = false;
layout (constant_id = 7) const bool HAS_CACHE = false;
layout (constant_id = 8) const uint DISTANCE_MODE = 0;
layout (constant_id = 9) const uint GRID_H = 0; /* 0: no table */
layout (constant_id = 10) const uint GRID_W = 0;

const float LOWEST = -3.4028234e38;
/* Loops over D take so many steps at a time: llvmpipe leaves every loop after
 * 65535 rounds of all loops of an invocation together. */
const uint STEP = 8;

layout (push_constant) uniform Push
{
  Floats qkv;      /* (B, T, 3 HEADS D) */
  Floats mask;     /* (B, mask_step) */
  Floats table;    /* (n_table_rows, HEADS) */
  Floats distance; /* (2P - 1, D) */
  Floats cache;    /* (2, B, longest, HEADS D) */
  Integers n_past;
  Result y; /* (B, T, HEADS D) */
  layout (offset = SIZES) uint n_steps; /* T */
  uint batch_size;
  uint mask_step;
  uint longest;
  uint n_table_rows;
  uint no_distance; /* row P - 1 */
};

shared float tile_k[TILE * D];
shared float tile_v[TILE * D];

/* Of query @i and key @j; 0 is the class token. */
uint
table_row (uint i, uint j)
{
  if (i == 0 || j == 0)
    return n_table_rows - (i == 0 && j == 0 ? 1 : i == 0 ? 3 : 2);
  uint yi = (i - 1) / GRID_W, xi = (i - 1) % GRID_W;
  uint yj = (j - 1) / GRID_W, xj = (j - 1) % GRID_W;
  return (yi + GRID_H - 1 - yj) * (2 * GRID_W - 1) + xi + GRID_W - 1 - xj;
}

void
load_tile (uint batch, uint head, uint first, uint n_keys)
{
  for (uint e = gl_LocalInvocationID.x; e < TILE * D; e += GROUP)
    {
      uint s = first + e / D, i = e % D;

      if (s >= n_keys)
        break;
      if (HAS_CACHE)
        {
          uint at = ((batch * longest + s) * HEADS + head) * D + i;
          tile_k[e] = cache.v[at];
          tile_v[e] = cache.v[at + batch_size * longest * HEADS * D];
        }
      else
        {
          uint at = ((batch * n_steps + s) * 3 * HEADS + HEADS + head) * D + i;
          tile_k[e] = qkv.v[at];
          tile_v[e] = qkv.v[at + HEADS * D];
        }
    }
}

void
main ()
{
  uint t = gl_WorkGroupID.x * GROUP + gl_LocalInvocationID.x;
  uint head = gl_WorkGroupID.y, batch = gl_WorkGroupID.z;
  uint past = HAS_CACHE ? bounded (n_past.v[0], longest - n_steps + 1) : 0;
  uint n_keys = past + n_steps;
  bool is_query = t < n_steps;
  float q[D], sum[D], score[TILE];
  float largest = LOWEST, total = 0.0;

  for (uint i = 0; i < D; i++)
    {
      q[i] = is_query ? qkv.v[((batch * n_steps + t) * 3 * HEADS + head) * D + i]
                    : 0.0;
      sum[i] = 0.0;
    }
  for (uint first = 0; first < n_keys; first += TILE)
    {
      uint n = min (TILE, n_keys - first);
      float tile_largest = largest;

      load_tile (batch, head, first, n_keys);
      barrier ();
      for (uint j = 0; j < n; j++)
        {
          uint s = first + j;
          float x = 0.0;

          for (uint first_i = 0; first_i < D; first_i += STEP)
            [[unroll]] for (uint u = 0; u < STEP; u++)
              if (first_i + u < D)
                x = fma (q[first_i + u], tile_k[j * D + first_i + u], x);
          if (DISTANCE_MODE != 0 && is_query)
            {
              uint row = (no_distance + t + past - s) * D;
              for (uint first_i = 0; first_i < D; first_i += STEP)
                [[unroll]] for (uint u = 0; u < STEP; u++)
                  if (first_i + u < D)
                    {
                      uint i = first_i + u;
                      x += q[i] * distance.v[row + i];
                      if (DISTANCE_MODE == 2)
                        x += tile_k[j * D + i] * distance.v[row + i];
                    }
            }
          x *= SCALE;
          if (GRID_H != 0 && is_query)
            x += table.v[table_row (t, s) * HEADS + head];
          if (HAS_MASK && mask.v[batch * mask_step + s] == 0.0)
            x = LOWEST;
          if (CAUSAL && s > t + past)
            x = LOWEST;
          score[j] = x;
          tile_largest = max (tile_largest, x);
        }
      float shrink = exp_exact (largest - tile_largest);
      largest = tile_largest;
      total *= shrink;
      for (uint first_i = 0; first_i < D; first_i += STEP)
        [[unroll]] for (uint u = 0; u < STEP; u++)
          if (first_i + u < D)
            sum[first_i + u] *= shrink;
      for (uint j = 0; j < n; j++)
        {
          float weight = exp_exact (score[j] - largest);
          total += weight;
          for (uint first_i = 0; first_i < D; first_i += STEP)
            [[unroll]] for (uint u = 0; u < STEP; u++)
              if (first_i + u < D)
                sum[first_i + u] = fma (weight, tile_v[j * D + first_i + u],
                                        sum[first_i + u]);
        }
      barrier ();
    }
  if (is_query)
    for (uint i = 0; i < D; i++)
      {
        uint at = ((batch * n_steps + t) * HEADS + head) * D + i;
#ifdef HALF
        Halves (y).v[at] = float16_t (rounded (sum[i] / total));
#else
        y.v[at] = sum[i] / total;
#endif
      }
}
