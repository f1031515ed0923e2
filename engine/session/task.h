/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* task.h: what the task functions share. */
#pragma once

#include "engine/base/ref.h"
#include "engine/process/audio.h"
#include "engine/process/bpe.h"
#include "engine/process/image.h"
#include "engine/session/session.h"

#include <pthread.h>

struct _D2vTask
{
  D2vRefCount ref_count;
  D2vSession *session;
  const D2vModel *model; /* the session's */

  D2vTokenizer *tokenizer; /* text */

  pthread_mutex_t lock;         /* for what follows */
  D2vImageProcessor *processor; /* vision */
};

/* Fails with ARCH_HEAD unless the model is of this class. */
gboolean d2v_task_check (const D2vTask *task, D2vModality modality,
                         D2vHead head, GError **error);
/* Output @name of the forward pass; a reference of the caller's own. */
D2vTensor *d2v_task_run (const D2vTask *task, const D2vTensors *inputs,
                         const gchar *name, GCancellable *cancellable,
                         GError **error);
/* A tensor F32 of its own. */
D2vTensor *d2v_task_copy (const gfloat *data, const D2vShape *shape,
                          GError **error);

/* ---- what a model takes (task_inputs.c) ---- */

/* Fails with INPUT when one of @samples is not finite. */
gboolean d2v_samples_check (const gfloat *samples, gsize n_samples,
                            GError **error);
/* @samples as the model hears them, `input_values` (1, S). */
D2vTensors *d2v_task_hear (const D2vTask *task, const gfloat *samples,
                           gsize n_samples, GError **error);
/* @image as the model sees it, `pixel_values` (1, C, H, W). */
D2vTensors *d2v_task_see (D2vTask *task, const D2vImageView *image,
                          GError **error);
/* Tokens of a text or a pair; @pair may be NULL. */
D2vEncoding *d2v_task_encode (const D2vTask *task, const D2vString *text,
                              const D2vString *pair,
                              const D2vEncodeParams *params, GError **error);
/* Row @row: `input_ids` (1, T), and `attention_mask` where there is padding. */
D2vTensors *d2v_task_read_row (const D2vEncoding *encoding, gsize row,
                               GError **error);
/* Runs every row by itself. outputs[i], NULL before, becomes the numbers of
 * output names[i], (n_tokens, width); free with d2v_free() also when it fails.
 * @names is NULL-ended. */
gboolean d2v_task_run_rows (const D2vTask *task, const D2vEncoding *encoding,
                            const gchar *const *names, gfloat **outputs,
                            GCancellable *cancellable, GError **error);
