/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_head.c: which of the fifteen classes a configuration is for. */

#include "engine/io/config_private.h"

#include "engine/base/error.h"

#include <string.h>

static const struct
{
  const gchar *name;
  D2vModality modality;
  D2vHead head;
} classes[] = {
  { "Data2VecAudioModel", D2V_MODALITY_AUDIO, D2V_HEAD_MODEL },
  { "Data2VecAudioForCTC", D2V_MODALITY_AUDIO, D2V_HEAD_CTC },
  { "Data2VecAudioForAudioFrameClassification", D2V_MODALITY_AUDIO,
    D2V_HEAD_AUDIO_FRAME_CLASSIFICATION },
  { "Data2VecAudioForSequenceClassification", D2V_MODALITY_AUDIO,
    D2V_HEAD_SEQUENCE_CLASSIFICATION },
  { "Data2VecAudioForXVector", D2V_MODALITY_AUDIO, D2V_HEAD_XVECTOR },
  { "Data2VecTextModel", D2V_MODALITY_TEXT, D2V_HEAD_MODEL },
  { "Data2VecTextForMaskedLM", D2V_MODALITY_TEXT, D2V_HEAD_MASKED_LM },
  { "Data2VecTextForCausalLM", D2V_MODALITY_TEXT, D2V_HEAD_CAUSAL_LM },
  { "Data2VecTextForSequenceClassification", D2V_MODALITY_TEXT,
    D2V_HEAD_SEQUENCE_CLASSIFICATION },
  { "Data2VecTextForTokenClassification", D2V_MODALITY_TEXT,
    D2V_HEAD_TOKEN_CLASSIFICATION },
  { "Data2VecTextForQuestionAnswering", D2V_MODALITY_TEXT,
    D2V_HEAD_QUESTION_ANSWERING },
  { "Data2VecTextForMultipleChoice", D2V_MODALITY_TEXT,
    D2V_HEAD_MULTIPLE_CHOICE },
  { "Data2VecVisionModel", D2V_MODALITY_VISION, D2V_HEAD_MODEL },
  { "Data2VecVisionForImageClassification", D2V_MODALITY_VISION,
    D2V_HEAD_IMAGE_CLASSIFICATION },
  { "Data2VecVisionForSemanticSegmentation", D2V_MODALITY_VISION,
    D2V_HEAD_SEMANTIC_SEGMENTATION },
};

static const gchar *const prefixes[]
    = { [D2V_MODALITY_AUDIO] = "Data2VecAudio",
        [D2V_MODALITY_TEXT] = "Data2VecText",
        [D2V_MODALITY_VISION] = "Data2VecVision" };

/* A class's name without its family's prefix. */
static const gchar *
short_name (guint i)
{
  return classes[i].name + strlen (prefixes[classes[i].modality]);
}

static void
choose_asked (D2vConfigReader *r, const gchar *asked)
{
  D2vConfig *c = r->config;
  gboolean elsewhere = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      if (strcmp (short_name (i), asked) != 0)
        continue;
      elsewhere = TRUE;
      if (classes[i].modality != c->modality)
        continue;
      c->head = classes[i].head;
      c->head_known = TRUE;
      return;
    }
  g_autofree gchar *shown = d2v_escape_name (asked, -1);
  if (elsewhere)
    d2v_fail (&r->error, D2V_ERROR_ARCH_HEAD, d2v_json_name (r->json),
              "expected a class of %s, found %s", prefixes[c->modality], shown);
  else
    d2v_fail (&r->error, D2V_ERROR_USAGE, NULL,
              "head: expected a class without its prefix, as ForCTC or "
              "Model, found %s",
              shown);
}

static void
choose_named (D2vConfig *c, const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (classes) && !c->head_known; i++)
    if (classes[i].modality == c->modality
        && strcmp (classes[i].name, name) == 0)
      {
        c->head = classes[i].head;
        c->head_known = TRUE;
      }
}

void
d2v_config_read_head (D2vConfigReader *r, const gchar *asked)
{
  const D2vJsonValue *list = NULL;

  if (r->error != NULL
      || !d2v_json_get_array (r->json, r->root, "architectures", &list,
                              &r->error))
    return;
  if (asked != NULL)
    {
      choose_asked (r, asked);
      return;
    }
  for (gsize i = 0; i < d2v_json_length (list); i++)
    {
      const gchar *name = d2v_json_string (d2v_json_element (list, i), NULL);
      if (name != NULL)
        choose_named (r->config, name);
    }
}
