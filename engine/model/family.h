/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* family.h: what a modality's code gives to the model: its weights, the
 * translation of raw inputs, and the recorded forward pass. */
#pragma once

#include "engine/graph/graph.h"
#include "engine/model/bind.h"

/* Parts of an audio model, for feature caches: the convolution stack looks at
 * no frame but its own samples, so that features of what was heard before
 * need not be computed again. */
typedef enum
{
  D2V_STAGE_ALL,
  D2V_STAGE_FEATURES,     /* input_values -> features (B, T, conv_dim[-1]) */
  D2V_STAGE_FROM_FEATURES /* features -> the head's outputs */
} D2vStage;

typedef struct
{
  gboolean hidden_states;
  D2vStage stage;
  gsize cache_length; /* text decoders: positions that the cache holds */
  /* Segmentation: `labels`, the class of each pixel of a picture of this size
   * (see LABEL_MAP), instead of `logits`; 0: logits. */
  gsize map_height, map_width;
} D2vRecordOptions;

typedef struct
{
  const gchar *prefix; /* "data2vec_audio." */
  /* Binds what @head needs into a new struct of the family's own. */
  gpointer (*bind) (D2vBinder *binder, D2vHead head);
  void (*free) (gpointer weights);
  /* Checks @inputs (named as the original's forward arguments) and adds what
   * the graph wants to @prepared, F32 and I64 only. */
  gboolean (*prepare) (const D2vConfig *config, D2vHead head,
                       const D2vTensors *inputs, D2vTensors *prepared,
                       GError **error);
  /* Records the pass for inputs of @prepared's names and shapes; their data
   * are not looked at. */
  void (*record) (D2vGraph *graph, const D2vConfig *config, D2vHead head,
                  gconstpointer weights, const D2vTensors *prepared,
                  const D2vRecordOptions *options);
} D2vFamily;

extern const D2vFamily d2v_family_audio;
extern const D2vFamily d2v_family_text;
extern const D2vFamily d2v_family_vision;

/* Helpers of the prepare functions (inputs.c). */

/* Input @name as F32 of @rank, every number finite; NULL with INPUT. */
D2vTensor *d2v_input_f32 (const D2vTensors *inputs, const gchar *name,
                          guint rank, GError **error);
/* Input @name as I64 of @rank; NULL with INPUT. */
D2vTensor *d2v_input_i64 (const D2vTensors *inputs, const gchar *name,
                          guint rank, GError **error);
/* 0/1 integers of @shape as F32; NULL with INPUT when the shape differs. */
D2vTensor *d2v_input_mask (const D2vTensors *inputs, const gchar *name,
                           const D2vShape *shape, GError **error);
/* Fails when @inputs holds a name that is not in the NULL-ended @known. */
gboolean d2v_input_check_names (const D2vTensors *inputs,
                                const gchar *const *known, GError **error);

/* The graph's input of prepared tensor @name; D2V_NONE when there is none. */
D2vValue d2v_graph_prepared (D2vGraph *graph, const D2vTensors *prepared,
                             const gchar *name);
