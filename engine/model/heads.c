/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* heads.c: the names of the classes, and of the elements that run them. */

#include "engine/d2v.h"

#include <string.h>

static const gchar *const names[D2V_N_HEADS] = {
  [D2V_HEAD_MODEL] = "Model",
  [D2V_HEAD_CTC] = "ForCTC",
  [D2V_HEAD_AUDIO_FRAME_CLASSIFICATION] = "ForAudioFrameClassification",
  [D2V_HEAD_SEQUENCE_CLASSIFICATION] = "ForSequenceClassification",
  [D2V_HEAD_XVECTOR] = "ForXVector",
  [D2V_HEAD_MASKED_LM] = "ForMaskedLM",
  [D2V_HEAD_CAUSAL_LM] = "ForCausalLM",
  [D2V_HEAD_TOKEN_CLASSIFICATION] = "ForTokenClassification",
  [D2V_HEAD_QUESTION_ANSWERING] = "ForQuestionAnswering",
  [D2V_HEAD_MULTIPLE_CHOICE] = "ForMultipleChoice",
  [D2V_HEAD_IMAGE_CLASSIFICATION] = "ForImageClassification",
  [D2V_HEAD_SEMANTIC_SEGMENTATION] = "ForSemanticSegmentation",
};

const gchar *
d2v_head_name (D2vHead head)
{
  return names[head];
}

gboolean
d2v_head_from_name (const gchar *name, D2vHead *head)
{
  for (guint i = 0; i < D2V_N_HEADS; i++)
    if (strcmp (names[i], name) == 0)
      {
        *head = i;
        return TRUE;
      }
  return FALSE;
}

const gchar *
d2v_head_element (D2vModality modality, D2vHead head)
{
  return modality == D2V_MODALITY_AUDIO && head == D2V_HEAD_CTC
             ? "d2vtranscriber"
             : NULL;
}
