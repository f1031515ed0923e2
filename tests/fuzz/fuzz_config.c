/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as config.json: a configuration that keeps its promises, or one
 * error; as it is, and as each class asked for. */

#include "engine/io/config.h"
#include "tests/fuzz/fuzz.h"

static void
require (gboolean holds)
{
  if (!holds)
    abort ();
}

static void
check_audio (const D2vConfig *c)
{
  gsize field = d2v_config_receptive_field (c);

  require (c->n_conv >= 1 && c->n_conv <= D2V_MAX_CONV);
  require (c->n_tdnn >= 1 && c->n_tdnn <= D2V_MAX_CONV);
  require (c->hidden_size % c->num_conv_pos_embedding_groups == 0);
  require (d2v_config_frame_stride (c) <= 65536);
  require (d2v_config_n_frames (c, field) == 1);
  require (d2v_config_n_frames (c, field - 1) == 0);
}

static void
check_vision (const D2vConfig *c)
{
  gsize h = c->image_size_h / c->patch_size;
  gsize w = c->image_size_w / c->patch_size;

  require (h >= 1 && w >= 1 && h * w <= 16384);
  require (c->n_out_indices <= G_N_ELEMENTS (c->out_indices));
  require (c->n_pool_scales >= 1 && c->n_pool_scales <= D2V_MAX_SCALES);
}

static void
check_config (const D2vConfig *c)
{
  require (c->hidden_size >= 1 && c->hidden_size <= 16384);
  require (c->hidden_size % c->num_attention_heads == 0);
  require (c->layer_norm_eps > 0 && c->layer_norm_eps <= 0.1f);
  require (c->num_labels >= 1 && g_strv_length (c->id2label) == c->num_labels);
  if (c->modality == D2V_MODALITY_AUDIO)
    check_audio (c);
  else if (c->modality == D2V_MODALITY_VISION)
    check_vision (c);
  else
    require (c->pad_token_id >= 0 && (gsize) c->pad_token_id < c->vocab_size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  static const gchar *const heads[]
      = { NULL, "ForCTC", "ForXVector", "ForSequenceClassification",
          "ForSemanticSegmentation" };

  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vConfig) config = d2v_config_parse (
          (const gchar *) data, n_bytes, "fuzz", heads[i], &error);
      fuzz_check (config != NULL, error);
      if (config != NULL)
        check_config (config);
    }
  return 0;
}
