/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bind.h: finds a model's tensors by name and checks their shapes.
 *
 * Binding never fails line by line: a missing tensor or a wrong shape is
 * remembered, and d2v_bind_finish() reports all of it. Tensors are borrowed
 * from the binder's pool, which the model keeps. One thread. */
#pragma once

#include "engine/io/config.h"
#include "engine/io/weights.h"
#include "engine/tensor/tensor.h"

typedef struct _D2vBinder D2vBinder;

/* @prefix: the family's, "data2vec_audio."; whether the file has it is found
 * out once for the whole file (spec 6.4). Borrows @weights. */
D2vBinder *d2v_binder_new (const D2vConfig *config, D2vWeights *weights,
                           const gchar *prefix);
/* The tensors that were bound; the binder is freed. NULL when something is
 * missing, has a wrong shape, or stands in the trunk without being known. */
GPtrArray *d2v_bind_finish (D2vBinder *binder, GError **error);
const D2vConfig *d2v_bind_config (const D2vBinder *binder);
/* The model cannot be what is asked for. */
void d2v_bind_fail (D2vBinder *binder, D2vErrorCode code, const gchar *format,
                    ...) G_GNUC_PRINTF (3, 4);

/* Names are of the trunk (the prefix is added when the file has it) unless
 * they begin with '/', which marks a head's tensor: "/lm_head.weight". */
D2vTensor *d2v_bind (D2vBinder *binder, D2vShape shape, const gchar *format,
                     ...) G_GNUC_PRINTF (3, 4);
/* The same for a tensor that others are made from: it lives until
 * d2v_bind_finish() only. */
D2vTensor *d2v_bind_source (D2vBinder *binder, D2vShape shape,
                            const gchar *format, ...) G_GNUC_PRINTF (3, 4);
/* NULL when the file has none of that name. */
D2vTensor *d2v_bind_optional (D2vBinder *binder, D2vShape shape,
                              const gchar *format, ...) G_GNUC_PRINTF (3, 4);
gboolean d2v_bind_exists (D2vBinder *binder, const gchar *name);
/* Keeps a tensor that was made from others. Returns it, borrowed. */
D2vTensor *d2v_bind_own (D2vBinder *binder, D2vTensor *made);
