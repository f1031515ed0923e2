/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/io/safetensors.h"

/* One tensor of the header: bytes begin..end-1 of the data. */
typedef struct
{
  D2vStored stored;
  gsize begin, end;
} D2vEntry;

struct _D2vSafetensors
{
  D2vFile *file;
  gchar *header; /* as in the file, but for the names, which it owns */
  gsize n_header;
  gchar digest[65]; /* SHA-256 of the header as it was */
  D2vEntry *entries;
  guint n_entries;
  guint *order; /* entries by place */
  gsize data_begin, n_data;
};

/* Fills entries from the header's text, unescaping names in it (rules S5 to
 * S14). */
gboolean d2v_safetensors_parse (D2vSafetensors *safetensors, GError **error);
