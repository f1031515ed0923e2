/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stored.h: tensors as files describe them, and how their bytes become
 * tensors in memory. Both file formats share this, so that the same weights
 * end up as the same bytes whichever way they were saved. */
#pragma once

#include "engine/io/file.h"
#include "engine/tensor/tensor.h"

/* Limits of both formats (rules S9, S11). */
#define D2V_MAX_TENSORS 65536
#define D2V_MAX_TENSOR_NAME 1024
#define D2V_MAX_DIM (G_GUINT64_CONSTANT (1) << 48)

typedef struct
{
  const gchar *name; /* owned by the reader of the file */
  D2vDType dtype;
  D2vShape shape;
} D2vStored;

/* Rules S9 (the name), S12 and S16: *n_bytes becomes what the shape takes.
 * @where: for messages, as d2v_fail() takes it. */
gboolean d2v_stored_check_name (const gchar *name, gsize length,
                                const gchar *where, GError **error);
gboolean d2v_stored_check_size (const D2vStored *stored, const gchar *where,
                                gsize *n_bytes, GError **error);

/* What is common to all tensors of one load. */
typedef struct
{
  gboolean as_f32;          /* floats become F32; otherwise types are kept */
  gboolean allow_nonfinite; /* rule S18; only F32 is looked at */
  guint64 hash;             /* of all stored bytes, in the order of loading */
  gboolean any_nonzero;     /* among the F32 numbers */
  guint8 *scratch;          /* D2V_PIECE bytes */
} D2vLoad;

/* Stored bytes handled at a time: half of an L2 cache. */
#define D2V_PIECE ((gsize) 256 << 10)

gboolean d2v_load_init (D2vLoad *load, GError **error);
void d2v_load_clear (D2vLoad *load);

/* One tensor on its way. */
typedef struct
{
  const D2vStored *stored;
  D2vTensor *tensor;
  gsize n_done; /* elements */
  gsize n_nonfinite;
  gsize first_nonfinite;
} D2vFill;

/* NO_MEMORY. The tensor is the caller's. */
gboolean d2v_fill_begin (D2vFill *fill, const D2vLoad *load,
                         const D2vStored *stored, const gchar *where,
                         GError **error);
/* Where the next piece's bytes are best put: the tensor itself if it keeps
 * them as they are, else the scratch memory. *n_bytes: how many to put. 0
 * when the tensor is complete. */
gpointer d2v_fill_space (const D2vFill *fill, const D2vLoad *load,
                         gsize *n_bytes);
/* Takes the next @n_bytes, at the place above or anywhere else. */
void d2v_fill_add (D2vFill *fill, D2vLoad *load, gconstpointer bytes,
                   gsize n_bytes);
/* W_NONFINITE. */
gboolean d2v_fill_end (const D2vFill *fill, const D2vLoad *load,
                       const gchar *where, GError **error);
