/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/io/pickle.h"
#include "engine/io/torchbin.h"
#include "engine/io/zip.h"

/* A tensor as a window on a storage: element (i, j, ..) is number
 * offset + i * stride[0] + j * stride[1] + .. of it. */
typedef struct
{
  D2vStored stored;
  guint member; /* of the zip: the storage */
  gsize offset; /* elements */
  gsize stride[D2V_MAX_RANK];
  gsize n_bytes; /* of the tensor */
} D2vView;

/* What a storage was said to be, the first time. */
typedef struct
{
  gboolean seen;
  D2vDType dtype;
  gsize n_elements;
} D2vStorage;

struct _D2vTorchBin
{
  D2vFile *file;
  D2vZip *zip;
  gchar *root;          /* of every member's name, with the slash */
  gchar digest[65];     /* SHA-256 of the pickle */
  D2vStorage *storages; /* by member */
  D2vView *views;
  guint n_views;
  guint *order; /* views by storage and place */
  gchar *names; /* of all views */
};

/* torchbin_views.c: rules Q1 to Q5. */
gboolean d2v_torchbin_read_views (D2vTorchBin *bin, const D2vPickleNode *root,
                                  GError **error);
gboolean d2v_view_is_contiguous (const D2vView *view);
/* The same numbers in the same order. */
gboolean d2v_view_equal (const D2vView *a, const D2vView *b);
