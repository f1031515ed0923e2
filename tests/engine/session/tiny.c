/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/engine/session/tiny.h"

#include <glib/gstdio.h>
#include <string.h>

#define WIDTH 8
#define VOCAB 8 /* pad, s, /s, unk, delimiter and three letters */

static void
write_file (const gchar *dir, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static TinyParams
with_defaults (const TinyParams *params)
{
  TinyParams p = params != NULL ? *params : (TinyParams){ 0 };

  if (p.n_conv == 0)
    {
      p.n_conv = 1;
      p.kernel[0] = 400;
      p.stride[0] = 320;
    }
  p.n_heads = MAX (p.n_heads, 1);
  if (p.alphabet == NULL)
    p.alphabet = "ABC";
  return p;
}

static gchar *
list (const guint *numbers, guint n)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? ", " : "",
                            numbers != NULL ? numbers[i] : WIDTH);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}

void
tiny_describe (const gchar *dir, const TinyParams *params)
{
  const TinyParams p = with_defaults (params);
  g_autofree gchar *kernels = list (p.kernel, p.n_conv);
  g_autofree gchar *strides = list (p.stride, p.n_conv);
  g_autofree gchar *widths = list (NULL, p.n_conv);
  g_autofree gchar *config = g_strdup_printf (
      "{\"model_type\": \"data2vec-audio\","
      " \"architectures\": [\"Data2VecAudioForCTC\"],"
      " \"hidden_size\": %d, \"num_hidden_layers\": 1,"
      " \"num_attention_heads\": %u, \"intermediate_size\": %d,"
      " \"num_conv_pos_embeddings\": 1, \"conv_pos_kernel_size\": 3,"
      " \"num_conv_pos_embedding_groups\": 2, \"vocab_size\": %d,"
      " \"mask_time_prob\": 0, \"pad_token_id\": 0,"
      " \"conv_dim\": %s, \"conv_kernel\": %s, \"conv_stride\": %s}",
      WIDTH, p.n_heads, WIDTH, VOCAB, widths, kernels, strides);
  g_autofree gchar *vocab = g_strdup_printf (
      "{\"<pad>\": 0, \"<s>\": 1, \"</s>\": 2, \"<unk>\": 3, \"|\": 4,"
      " \"%c\": 5, \"%c\": 6, \"%c\": 7}",
      p.alphabet[0], p.alphabet[1], p.alphabet[2]);
  g_autofree gchar *processor = g_strdup_printf (
      "{\"do_normalize\": %s, \"sampling_rate\": 16000,"
      " \"feature_extractor_type\": \"Wav2Vec2FeatureExtractor\","
      " \"feature_size\": 1, \"padding_value\": 0.0}",
      p.as_is ? "false" : "true");

  write_file (dir, "config.json", config);
  write_file (dir, "vocab.json", vocab);
  write_file (dir, "preprocessor_config.json", processor);
}

typedef struct
{
  D2vTensors *all;
  GRand *random;
} Filler;

/* Uniform around @middle. */
static void
add (Filler *f, const gchar *name, gdouble middle, guint rank,
     const gsize *shape)
{
  g_autoptr (D2vTensor) tensor = d2v_tensor_new (D2V_F32, rank, shape);
  gfloat *data = d2v_tensor_data (tensor);

  for (gsize i = 0; i < d2v_tensor_n_elements (tensor); i++)
    data[i] = (gfloat) (middle + g_rand_double_range (f->random, -1, 1));
  d2v_tensors_set (f->all, name, tensor);
}

static void
add_pair (Filler *f, const gchar *stem, gdouble middle, guint rank,
          const gsize *shape)
{
  g_autofree gchar *weight = g_strconcat (stem, ".weight", NULL);
  g_autofree gchar *bias = g_strconcat (stem, ".bias", NULL);

  add (f, weight, middle, rank, shape);
  add (f, bias, 0, 1, shape);
}

#define TRUNK "data2vec_audio."
#define LAYER TRUNK "encoder.layers.0."

static void
fill (Filler *f, const TinyParams *p)
{
  static const gchar *const linears[]
      = { TRUNK "feature_projection.projection",
          LAYER "attention.q_proj",
          LAYER "attention.k_proj",
          LAYER "attention.v_proj",
          LAYER "attention.out_proj",
          LAYER "feed_forward.intermediate_dense",
          LAYER "feed_forward.output_dense",
          "lm_head" };
  static const gchar *const norms[]
      = { TRUNK "feature_projection.layer_norm", TRUNK "encoder.layer_norm",
          LAYER "layer_norm", LAYER "final_layer_norm" };

  for (guint i = 0; i < p->n_conv; i++)
    {
      g_autofree gchar *stem
          = g_strdup_printf (TRUNK "feature_extractor.conv_layers.%u", i);
      g_autofree gchar *conv = g_strconcat (stem, ".conv.weight", NULL);
      g_autofree gchar *norm = g_strconcat (stem, ".layer_norm", NULL);

      add (f, conv, 0, 3, (gsize[]){ WIDTH, i == 0 ? 1 : WIDTH, p->kernel[i] });
      add_pair (f, norm, 1, 1, (gsize[]){ WIDTH });
    }
  add_pair (f, TRUNK "encoder.pos_conv_embed.layers.0.conv", 0, 3,
            (gsize[]){ WIDTH, WIDTH / 2, 3 });
  for (guint i = 0; i < G_N_ELEMENTS (linears); i++)
    add_pair (f, linears[i], 0, 2, (gsize[]){ WIDTH, WIDTH });
  for (guint i = 0; i < G_N_ELEMENTS (norms); i++)
    add_pair (f, norms[i], 1, 1, (gsize[]){ WIDTH });
}

gchar *
tiny_write (const TinyParams *params)
{
  const TinyParams p = with_defaults (params);
  gchar *dir = g_dir_make_tmp ("d2v-tiny-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (dir, "model.safetensors", NULL);
  g_autoptr (D2vTensors) all = d2v_tensors_new ();
  Filler f = { all, g_rand_new_with_seed (1) };
  g_autoptr (GError) error = NULL;

  tiny_describe (dir, &p);
  fill (&f, &p);
  g_rand_free (f.random);
  d2v_tensors_save (all, path, &error);
  g_assert_no_error (error);
  return dir;
}

void
tiny_remove (gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (dir, name, NULL);
      g_unlink (path);
    }
  g_rmdir (dir);
  g_free (dir);
}

D2vSession *
tiny_session (const gchar *dir, const D2vSessionParams *params)
{
  D2vSessionParams p = params != NULL ? *params : (D2vSessionParams){ 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vModel) model = d2v_model_open (dir, NULL, &error);

  g_assert_no_error (error);
  if (p.device == NULL)
    p.device = "cpu";
  D2vSession *session = d2v_session_new (model, &p, &error);
  g_assert_no_error (error);
  return session;
}
