/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tensor.h: what the library itself knows of a tensor. */
#pragma once

#include "engine/d2v.h"

/* A shape by value: dims beyond rank are 1. */
typedef struct
{
  guint rank;
  gsize dim[D2V_MAX_RANK];
} D2vShape;

/* d2v_shape (B, T, C) */
#define d2v_shape(...)                                                        \
  d2v_shape_from (sizeof ((gsize[]){ __VA_ARGS__ }) / sizeof (gsize),         \
                  (const gsize[]){ __VA_ARGS__ })
D2vShape d2v_shape_from (guint rank, const gsize *dim);
gboolean d2v_shape_equal (const D2vShape *a, const D2vShape *b);
/* Product of the dims; the shape must have been checked before. */
gsize d2v_shape_size (const D2vShape *shape);
/* The last dim, and the product of all before it. 1 for rank 0. */
gsize d2v_shape_last (const D2vShape *shape);
gsize d2v_shape_rows (const D2vShape *shape);
/* "2x14x16"; free with g_free(). */
gchar *d2v_shape_text (const D2vShape *shape);

struct _D2vTensor
{
  D2vDType dtype;
  D2vShape shape;
  gpointer data; /* 64-byte aligned, shape x size of dtype */
  gsize n_bytes;
  gatomicrefcount ref_count;
};

/* As d2v_tensor_new(), but not zeroed. */
D2vTensor *d2v_tensor_new_empty (D2vDType dtype, const D2vShape *shape);
/* The same number as float, whatever the storage. Integers beyond 2^24 lose
 * digits. NULL when memory is short. */
D2vTensor *d2v_tensor_to_f32 (D2vTensor *tensor);
/* Any integer type or BOOL as I64. NULL with INPUT for floats. */
D2vTensor *d2v_tensor_to_i64 (D2vTensor *tensor, GError **error);

/* @n numbers of type @from at @source (any alignment) as float. Integer types
 * included. */
void d2v_convert_to_f32 (D2vDType from, gconstpointer source, gfloat *out,
                         gsize n);
gboolean d2v_dtype_is_float (D2vDType dtype);
