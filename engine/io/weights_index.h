/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* weights_index.h: which file of a sharded model holds which tensor (rules
 * I1, I2, I5). */
#pragma once

#include "engine/io/file.h"

#define D2V_MAX_SHARDS 256

typedef struct _D2vWeightsIndex D2vWeightsIndex;

/* @name: its suffix before ".index.json" is the one that shards must have. */
D2vWeightsIndex *d2v_weights_index_read (const D2vDir *dir, const gchar *name,
                                         GError **error);
/* The same from memory, for tests and fuzzing. */
D2vWeightsIndex *d2v_weights_index_parse (const gchar *text, gsize length,
                                          const gchar *name, GError **error);
void d2v_weights_index_free (D2vWeightsIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (D2vWeightsIndex, d2v_weights_index_free)

/* The shards' names, each one path component, in the order in which the map
 * first names them. */
guint d2v_weights_index_n_shards (const D2vWeightsIndex *index);
const gchar *d2v_weights_index_shard (const D2vWeightsIndex *index, guint i);
guint d2v_weights_index_n_tensors (const D2vWeightsIndex *index);
/* FALSE when the map does not name the tensor. */
gboolean d2v_weights_index_find (const D2vWeightsIndex *index,
                                 const gchar *tensor, guint *shard);
