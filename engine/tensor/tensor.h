/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tensor.h: what the library itself knows of a tensor. */
#pragma once

#include "engine/base/ref.h"
#include "engine/d2v.h"

/* A shape by value: dims beyond rank are 1. */
typedef struct
{
  guint rank;
  gsize dim[D2V_MAX_RANK];
} D2vShape;

/* d2v_shape (B, T, C) */
#define d2v_shape(...)                                                         \
  d2v_shape_from (sizeof ((gsize[]){ __VA_ARGS__ }) / sizeof (gsize),          \
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

/* A weight in the layout that a backend's kernels want. Once it has one, its
 * plain form may be freed, so that there is one copy in memory. Both forms
 * are guarded by d2v_tensor_lock_forms(). */
typedef struct _D2vPacked D2vPacked;
struct _D2vPacked
{
  const gchar *kind; /* names the layout; a static string */
  gpointer data;
  gsize n_bytes;
  /* Writes the plain numbers, bit for bit. */
  void (*unpack) (const D2vPacked *packed, gpointer plain);
  void (*free) (D2vPacked *packed);
};

struct _D2vTensor
{
  D2vDType dtype;
  D2vShape shape;
  gpointer data; /* 64-byte aligned, shape x size of dtype; NULL for a weight
                    that now lives in packed form only */
  gsize n_bytes;
  D2vRefCount ref_count;

  D2vPacked *packed;   /* owned; NULL: not packed */
  gboolean keep_plain; /* somebody reads `data`, so it must stay */
};

/* For whoever looks at, frees or makes the plain or packed form of weights:
 * while a plan is prepared, never while one runs. */
void d2v_tensor_lock_forms (void);
void d2v_tensor_unlock_forms (void);
/* Brings the plain form back if it was given up, and keeps it from then on.
 * Called with the forms locked. FALSE when memory is short. */
gboolean d2v_tensor_keep_plain (D2vTensor *tensor);
/* A plain copy that may be freed soon, for uploads: the tensor itself when it
 * has its plain form. NULL when memory is short. Any thread. */
D2vTensor *d2v_tensor_plain (D2vTensor *tensor);

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
