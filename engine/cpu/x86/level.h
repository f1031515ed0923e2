/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* level.h: the vectors of the level that a file is compiled for.
 *
 * Every source of this folder is plain C over GCC's vector types and is
 * compiled once per level, with that level's flags. Here the level gets its
 * width and its names; nothing else in the folder knows which one it is. */
#pragma once

#include <glib.h>
#include <immintrin.h>
#include <string.h>

#if defined(__AVX512F__)
#define LEVEL(name) d2v_avx512_##name
#define LEVEL_NAME "avx512"
#define LANES 16
/* Rows of a product tile that is two vectors wide: 12 x 2 sums, 2 columns and
 * 1 broadcast in 32 registers. Two more rows would fit, but rows that lie a
 * multiple of 4096 bytes apart share one set of a 12-way L1 cache. */
#define TILE_ROWS 12
#elif defined(__AVX2__)
#define LEVEL(name) d2v_avx2_##name
#define LEVEL_NAME "avx2"
#define LANES 8
#define TILE_ROWS 6
#else
#error "x86 kernels are compiled for AVX2 or AVX-512"
#endif

/* Columns of a product tile. */
#define PANEL (2 * LANES)

typedef gfloat Vf __attribute__ ((vector_size (LANES * 4)));
typedef gint32 Vi __attribute__ ((vector_size (LANES * 4)));
/* The same, at any address. */
typedef gfloat VfAnywhere
    __attribute__ ((vector_size (LANES * 4), aligned (4), may_alias));

static inline Vf
v_load (const gfloat *p)
{
  return *(const VfAnywhere *) p;
}

static inline void
v_store (gfloat *p, Vf v)
{
  *(VfAnywhere *) p = v;
}

/* The first @n lanes, zero beyond. */
static inline Vf
v_load_some (const gfloat *p, gsize n)
{
  Vf v = { 0 };
  memcpy (&v, p, n * sizeof (gfloat));
  return v;
}

static inline void
v_store_some (gfloat *p, Vf v, gsize n)
{
  memcpy (p, &v, n * sizeof (gfloat));
}

/* @x in every lane: x - 0 is x for every x, so this is one broadcast. */
static inline Vf
v_set (gfloat x)
{
  return x - (Vf){ 0 };
}

/* What GCC's vector types cannot say in C. v_fma is a * b + c, rounded once
 * for certain: of `a * b + c` the compiler makes one instruction or two, as
 * seems faster to it in each copy of a loop, and the bits are not the same.
 * v_min and v_max keep a NaN of @x; v_if_less gives @then where a < b, which
 * is false for NaN. */
#if LANES == 16
static inline Vf
v_fma (Vf a, Vf b, Vf c)
{
  return (Vf) _mm512_fmadd_ps ((__m512) a, (__m512) b, (__m512) c);
}

static inline Vf
v_min (Vf x, Vf limit)
{
  return (Vf) _mm512_min_ps ((__m512) limit, (__m512) x);
}

static inline Vf
v_max (Vf x, Vf limit)
{
  return (Vf) _mm512_max_ps ((__m512) limit, (__m512) x);
}

static inline Vf
v_if_less (Vf a, Vf b, Vf then, Vf otherwise)
{
  __mmask16 less = _mm512_cmp_ps_mask ((__m512) a, (__m512) b, _CMP_LT_OQ);
  return (Vf) _mm512_mask_blend_ps (less, (__m512) otherwise, (__m512) then);
}
#else
static inline Vf
v_fma (Vf a, Vf b, Vf c)
{
  return (Vf) _mm256_fmadd_ps ((__m256) a, (__m256) b, (__m256) c);
}

static inline Vf
v_min (Vf x, Vf limit)
{
  return (Vf) _mm256_min_ps ((__m256) limit, (__m256) x);
}

static inline Vf
v_max (Vf x, Vf limit)
{
  return (Vf) _mm256_max_ps ((__m256) limit, (__m256) x);
}

static inline Vf
v_if_less (Vf a, Vf b, Vf then, Vf otherwise)
{
  __m256 less = _mm256_cmp_ps ((__m256) a, (__m256) b, _CMP_LT_OQ);
  return (Vf) _mm256_blendv_ps ((__m256) otherwise, (__m256) then, less);
}
#endif

static inline Vf
v_abs (Vf x)
{
  return (Vf) ((Vi) x & 0x7fffffff);
}

static inline gfloat
v_sum (Vf v)
{
#if LANES == 16
  return _mm512_reduce_add_ps ((__m512) v);
#else
  __m256 all = (__m256) v;
  __m128 x = _mm_add_ps (_mm256_castps256_ps128 (all),
                         _mm256_extractf128_ps (all, 1));
  x = _mm_add_ps (x, _mm_movehl_ps (x, x));
  return _mm_cvtss_f32 (_mm_add_ss (x, _mm_movehdup_ps (x)));
#endif
}

static inline gfloat
v_largest (Vf v)
{
#if LANES == 16
  return _mm512_reduce_max_ps ((__m512) v);
#else
  __m256 all = (__m256) v;
  __m128 x = _mm_max_ps (_mm256_castps256_ps128 (all),
                         _mm256_extractf128_ps (all, 1));
  x = _mm_max_ps (x, _mm_movehl_ps (x, x));
  return _mm_cvtss_f32 (_mm_max_ss (x, _mm_movehdup_ps (x)));
#endif
}
