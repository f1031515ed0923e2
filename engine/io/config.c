/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/io/config_private.h"

#include "engine/base/error.h"

#include <string.h>

static const struct
{
  const gchar *model_type;
  void (*read) (D2vConfigReader *reader);
} families[] = {
  [D2V_MODALITY_AUDIO] = { "data2vec-audio", d2v_config_read_audio },
  [D2V_MODALITY_TEXT] = { "data2vec-text", d2v_config_read_text },
  [D2V_MODALITY_VISION] = { "data2vec-vision", d2v_config_read_vision },
};

static void
read_modality (D2vConfigReader *r)
{
  const gchar *type
      = d2v_json_string (d2v_json_member (r->root, "model_type"), NULL);

  for (guint i = 0; type != NULL && i < G_N_ELEMENTS (families); i++)
    if (strcmp (families[i].model_type, type) == 0)
      {
        r->config->modality = i;
        return;
      }
  g_autofree gchar *shown
      = type != NULL ? d2v_escape_name (type, -1) : g_strdup ("none");
  d2v_fail (&r->error, D2V_ERROR_CONFIG_MODEL_TYPE, d2v_json_name (r->json),
            "model_type: expected data2vec-audio, data2vec-text or "
            "data2vec-vision, found %s (C)",
            shown);
}

/* The same keys and defaults in all three families. */
static void
read_transformer (D2vConfigReader *r)
{
  D2vConfig *c = r->config;

  c->hidden_size = 768;
  c->num_hidden_layers = 12;
  c->num_attention_heads = 12;
  c->intermediate_size = 3072;
  c->hidden_act = D2V_ACTIVATION_GELU;
  c->mask_token_id = -1;
  d2v_read_size (r, TRUE, "hidden_size", 8, 16384, &c->hidden_size);
  d2v_read_size (r, TRUE, "num_hidden_layers", 1, 128, &c->num_hidden_layers);
  d2v_read_size (r, TRUE, "num_attention_heads", 1, 256,
                 &c->num_attention_heads);
  d2v_read_size (r, TRUE, "intermediate_size", 8, 16384, &c->intermediate_size);
  d2v_read_activation (r, "hidden_act", &c->hidden_act);
  d2v_require (r, c->hidden_size % c->num_attention_heads == 0,
               "num_attention_heads: expected a divisor of hidden_size "
               "%" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT,
               c->hidden_size, c->num_attention_heads);
}

/* After the family's own keys, which set the defaults. */
static void
read_rest (D2vConfigReader *r)
{
  D2vConfig *c = r->config;
  gdouble eps = c->layer_norm_eps;

  d2v_read_number (r, "layer_norm_eps", 1e-12, 1e-1, &eps);
  c->layer_norm_eps = (gfloat) eps;
  if (c->modality != D2V_MODALITY_TEXT) /* checked there */
    d2v_read_id (r, "pad_token_id", &c->pad_token_id);
  d2v_read_id (r, "bos_token_id", &c->bos_token_id);
  d2v_read_id (r, "eos_token_id", &c->eos_token_id);
  d2v_read_id (r, "mask_token_id", &c->mask_token_id);
  d2v_require (r,
               c->head != D2V_HEAD_CTC
                   || (c->pad_token_id >= 0
                       && (guint64) c->pad_token_id < c->vocab_size),
               "pad_token_id: expected 0..%" G_GSIZE_FORMAT
               ", found %" G_GINT64_FORMAT,
               c->vocab_size - 1, c->pad_token_id);
  d2v_config_read_labels (r);
}

static D2vConfig *
config_from_json (const D2vJson *json, const gchar *head, GError **error)
{
  g_autoptr (D2vConfig) config = g_new0 (D2vConfig, 1);
  D2vConfigReader reader = { .json = json, .config = config };

  reader.root = d2v_json_root_object (json, &reader.error);
  if (reader.error == NULL)
    read_modality (&reader);
  d2v_config_read_head (&reader, head);
  if (reader.error == NULL)
    {
      read_transformer (&reader);
      families[config->modality].read (&reader);
      read_rest (&reader);
    }
  if (reader.error == NULL)
    return g_steal_pointer (&config);
  g_propagate_error (error, reader.error);
  return NULL;
}

D2vConfig *
d2v_config_parse (const gchar *text, gsize length, const gchar *name,
                  const gchar *head, GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_parse (text, length, name, NULL, error);

  return json != NULL ? config_from_json (json, head, error) : NULL;
}

D2vConfig *
d2v_config_read (const gchar *dir, const gchar *head, GError **error)
{
  g_autoptr (D2vJson) json = d2v_json_read (dir, "config.json", NULL, error);

  return json != NULL ? config_from_json (json, head, error) : NULL;
}

void
d2v_config_free (D2vConfig *config)
{
  if (config == NULL)
    return;
  g_strfreev (config->id2label);
  g_free (config);
}

gsize
d2v_config_n_frames (const D2vConfig *config, gsize n_samples)
{
  gsize n = n_samples;

  for (gsize i = 0; i < config->n_conv; i++)
    {
      if (n < config->conv_kernel[i])
        return 0;
      n = (n - config->conv_kernel[i]) / config->conv_stride[i] + 1;
    }
  return n;
}

gsize
d2v_config_frame_stride (const D2vConfig *config)
{
  gsize stride = 1;

  for (gsize i = 0; i < config->n_conv; i++)
    stride *= config->conv_stride[i];
  return stride;
}

gsize
d2v_config_receptive_field (const D2vConfig *config)
{
  gsize field = 1, step = 1;

  for (gsize i = 0; i < config->n_conv; i++)
    {
      field += (config->conv_kernel[i] - 1) * step;
      step *= config->conv_stride[i];
    }
  return field;
}
