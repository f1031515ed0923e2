/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ops.h: the list of operations, and what each one computes.
 *
 * Data are float, row-major, channels last: (B, T, C) for sequences,
 * (B, H, W, C) for maps. An absent optional input is D2V_NONE. "Constant"
 * inputs are weights; everything else may be any value.
 *
 * ADD          a, b              y = a + b. b has a's shape, or a suffix of it
 *                                and is repeated over the dims before.
 * MUL          a, b              y = a * b, shapes as in ADD.
 * ACTIVATE     x                 y = activation (x).
 * LAYER_NORM   x, gain?, shift?  y = (x - mean) / sqrt (var + eps) * gain
 *                                + shift along the last axis, biased variance,
 *                                two passes.
 * LINEAR       x, w0, b0?, w1?, b1?, w2?, b2?, residual?, scale?
 *                                x (..., K), wi (Ni, K), bi (Ni);
 *                                y = residual + scale * activation (x W' + b),
 *                                W the stacked wi, y (..., N0 + N1 + N2).
 *                                residual has y's shape, scale is (N).
 * CONV1D       x, w, b?, gain?, shift?
 *                                x (B, T, C). w (O, C / groups, kernel), or
 *                                (O, kernel * C) tap-major when `tap_major`.
 *                                Cross-correlation, zero padding on both
 *                                sides, output cut to `n_out` steps. Then, if
 *                                `norm`, LAYER_NORM over the channels (gain
 *                                and shift optional), then activation.
 * ATTENTION    qkv, mask?, table?, distance?, cache?, n_past?
 *                                qkv (B, T, 3C) as LINEAR stacks q, k, v. For
 *                                each head of size d = C / n_heads:
 *                                softmax (q k' * scale + bias) v -> (B, T, C).
 *                                mask (B, S): key s counts iff mask != 0;
 *                                `causal`: and s <= t + past. A row with no key
 *                                that counts is the plain mean over all S keys.
 *                                table (R, n_heads) with `grid_h`, `grid_w`
 *                                (T = grid_h * grid_w + 1): bias of query i,
 *                                key j = table[index (i, j)][head]; index of
 *                                patches (yi, xi), (yj, xj) is (yi - yj +
 *                                grid_h - 1) * (2 grid_w - 1) + xi - xj +
 *                                grid_w - 1; row 0 R-3, column 0 R-2, [0,0]
 *                                R-1 (spec 4.2).
 *                                distance (2P - 1, d), `distance_mode` 1: q . D
 *                                is added before scaling, 2: q . D + k . D, D =
 *                                distance[t + past - s + P - 1] (spec 3.6).
 *                                cache (2, B, S_max, C) is state: the new keys
 *                                and values are stored at n_past (I64, one
 *                                number) and S = n_past + T. Otherwise S = T.
 * EMBED        ids, table        ids I64 (B, T) in 0..V-1, table (V, C) ->
 *                                (B, T, C).
 * GATHER       rows, x           the same for a table that is computed: rows
 * I64 (B, n) in 0..V-1, x (V, C) -> (B, n, C). RESHAPE      x the same numbers
 * in `shape`; costs nothing. SLICE        x                 `length` entries
 * from `begin` on of `axis`. CONCAT       a, b?, c?, ... i?  along the last
 * axis. PREPEND      x, row            x (B, T, C), row (C): row before each of
 * the B sequences -> (B, T + 1, C). MASK_ROWS    x, mask           x (B, T, C),
 * mask (B, T): rows with mask 0 become 0, others stay as they are. SELECT_ROWS
 * x, mask, row      rows with mask != 0 become row (C). SCALE_ADD    acc?, x,
 * weights  y = acc + softmax (weights)[`index`] * x. GLU          x (..., 2C)
 * -> (..., C): first half times the sigmoid of the second. POOL_MEAN    x,
 * mask?          (B, T, C) -> (B, C): mean of the rows, or sum of rows with
 * mask != 0 / their number. POOL_STATS   x, counts?        (B, T, C) -> (B,
 * 2C): mean and unbiased standard deviation of the first counts[b] rows (I64
 * (B); all rows when absent). PATCHES      x                 (B, C, H, W) ->
 * (B, gh * gw, C * p * p) with p = `patch`, order (c, y, x); surplus pixels are
 * cut off. CONV2D       x, w, b?          x (B, H, W, C), w (O, C, k, k),
 * padding k / 2, stride 1, then activation -> (B, H, W, O). SHUFFLE2     x (B,
 * H, W, 4C) -> (B, 2H, 2W, C): channel block 2 * dy + dx goes to pixel (dy,
 * dx). MAX_POOL2    x                 2x2, stride 2, rounded down.
 * ADAPTIVE_POOL x                (B, H, W, C) -> (B, s, s, C), s = `size`: bin
 *                                i averages floor (i n / s) .. ceil ((i + 1) n
 *                                / s) - 1.
 * RESIZE_BILINEAR x              to `size` x `size_w`; half-pixel centres, no
 *                                antialias, source clamped at 0; the same size
 *                                is the identity.
 * RESIZE_TAPS  x, sum?       x (B, H, W, 3C) -> (B, `size`, W, C), or (B, H,
 *                                `size`, C) for `axis` 2: y[o] = sum[o] + the
 *                                sum over k = 0, 1, 2 of channel block k of x,
 *                                resized bilinearly along `axis`, at o + k - 1,
 *                                or 0 where that is outside.
 * RESIZE_BICUBIC  x              as above, a = -0.75, taps clamped (spec 0).
 * RELATIVE_TABLE  table          (R, n_heads) for a grid of `grid_h` x
 *                                `grid_w` from one trained at `from_h` x
 *                                `from_w`: the first R-3 rows seen as an image
 *                                of 2 from_w - 1 rows by 2 from_h - 1 columns,
 *                                resized bilinearly to (2 grid_h - 1, 2 grid_w
 *                                - 1), last 3 kept (spec 4.2).
 * CHANNELS_FIRST  x              (B, H, W, C) -> (B, C, H, W).
 * LABEL_MAP    x                 (B, H, W, C) -> (B, `size`, `size_w`): x
 *                                resized as RESIZE_BILINEAR does, with weights
 *                                in float, then for each pixel the number of
 *                                its greatest channel, the first of several.
 *                                NaN never is; where no channel is above minus
 *                                infinity, the result is NaN.
 */
#pragma once

#include "engine/base/activation.h"
#include "engine/tensor/tensor.h"

/* Constant, name, fewest and most inputs. */
#define D2V_OP_LIST(OP)                                                        \
  OP (ADD, add, 2, 2)                                                          \
  OP (MUL, mul, 2, 2)                                                          \
  OP (ACTIVATE, activate, 1, 1)                                                \
  OP (LAYER_NORM, layer_norm, 1, 3)                                            \
  OP (LINEAR, linear, 2, 9)                                                    \
  OP (CONV1D, conv1d, 2, 5)                                                    \
  OP (ATTENTION, attention, 1, 6)                                              \
  OP (EMBED, embed, 2, 2)                                                      \
  OP (GATHER, gather, 2, 2)                                                    \
  OP (RESHAPE, reshape, 1, 1)                                                  \
  OP (SLICE, slice, 1, 1)                                                      \
  OP (CONCAT, concat, 1, 9)                                                    \
  OP (PREPEND, prepend, 2, 2)                                                  \
  OP (MASK_ROWS, mask_rows, 2, 2)                                              \
  OP (SELECT_ROWS, select_rows, 3, 3)                                          \
  OP (SCALE_ADD, scale_add, 3, 3)                                              \
  OP (GLU, glu, 1, 1)                                                          \
  OP (POOL_MEAN, pool_mean, 1, 2)                                              \
  OP (POOL_STATS, pool_stats, 1, 2)                                            \
  OP (PATCHES, patches, 1, 1)                                                  \
  OP (CONV2D, conv2d, 2, 3)                                                    \
  OP (SHUFFLE2, shuffle2, 1, 1)                                                \
  OP (MAX_POOL2, max_pool2, 1, 1)                                              \
  OP (ADAPTIVE_POOL, adaptive_pool, 1, 1)                                      \
  OP (RESIZE_BILINEAR, resize_bilinear, 1, 1)                                  \
  OP (RESIZE_TAPS, resize_taps, 1, 2)                                          \
  OP (RESIZE_BICUBIC, resize_bicubic, 1, 1)                                    \
  OP (RELATIVE_TABLE, relative_table, 1, 1)                                    \
  OP (CHANNELS_FIRST, channels_first, 1, 1)                                    \
  OP (LABEL_MAP, label_map, 1, 1)

typedef enum
{
#define OP(NAME, name, fewest, most) D2V_OP_##NAME,
  D2V_OP_LIST (OP)
#undef OP
      D2V_N_OPS
} D2vOp;

#define D2V_MAX_INPUTS 9

/* LINEAR's last two inputs. */
#define D2V_LINEAR_RESIDUAL 7
#define D2V_LINEAR_SCALE 8

const gchar *d2v_op_name (D2vOp op);
