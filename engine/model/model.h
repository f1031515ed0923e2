/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* model.h: what the layers above know of an opened model. */
#pragma once

#include "engine/base/ref.h"
#include "engine/io/config.h"
#include "engine/io/processor.h"
#include "engine/io/vocab.h"
#include "engine/model/family.h"

struct _D2vModel
{
  D2vRefCount ref_count;
  gchar *dir;
  D2vConfig *config;
  D2vHead head;
  const D2vFamily *family;

  /* NULL when opened without weights. */
  gpointer weights;   /* the family's struct; borrows from tensors */
  GPtrArray *tensors; /* D2vTensor, owned */
  guint64 n_parameters;
  gboolean prefixed; /* the file is of a class with a head */
  gchar *weights_file;
  D2vDType stored_dtype; /* of the largest tensor */
  gchar *digest; /* of the weights and all that changes what they give */

  /* Audio only. */
  D2vAudioProcessorConfig audio;
  D2vVocab *vocab; /* CTC only */

  gchar *cache_key; /* NULL: not shared */
};

/* Records the forward pass for @prepared inputs; never NULL, errors are in
 * the graph. */
D2vGraph *d2v_model_record (const D2vModel *model, const D2vTensors *prepared,
                            const D2vRecordOptions *options);
