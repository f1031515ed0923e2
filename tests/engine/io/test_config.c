/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/config.h"
#include "tests/engine/io/folder.h"

#include <string.h>

static D2vConfig *
parse_as (const gchar *text, const gchar *head, GError **error)
{
  return d2v_config_parse (text, strlen (text), "config.json", head, error);
}

static D2vConfig *
parse (const gchar *text)
{
  g_autoptr (GError) error = NULL;
  D2vConfig *config = parse_as (text, NULL, &error);

  g_assert_no_error (error);
  return config;
}

static void
assert_refused (const gchar *text, const gchar *head, gint code,
                const gchar *says)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vConfig) config = parse_as (text, head, &error);

  g_assert_null (config);
  g_assert_error (error, D2V_ERROR, code);
  if (strstr (error->message, says) == NULL)
    g_error ("\"%s\" is not in: %s", says, error->message);
}

static void
assert_sizes (const gsize *found, gsize n_found, const gsize *expected, gsize n)
{
  g_assert_cmpuint (n_found, ==, n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (found[i], ==, expected[i]);
}

#define SIZES(found, n_found, ...)                                             \
  assert_sizes (found, n_found, (const gsize[]){ __VA_ARGS__ },                \
                sizeof ((gsize[]){ __VA_ARGS__ }) / sizeof (gsize))

/* ------------------------------------------------------------ defaults -- */

static void
test_audio_defaults (void)
{
  g_autoptr (D2vConfig) c = parse ("{\"model_type\":\"data2vec-audio\"}");

  g_assert_cmpint (c->modality, ==, D2V_MODALITY_AUDIO);
  g_assert_false (c->head_known);
  g_assert_cmpuint (c->hidden_size, ==, 768);
  g_assert_cmpuint (c->num_hidden_layers, ==, 12);
  g_assert_cmpuint (c->num_attention_heads, ==, 12);
  g_assert_cmpuint (c->intermediate_size, ==, 3072);
  g_assert_cmpuint (c->vocab_size, ==, 32);
  g_assert_cmpfloat (c->layer_norm_eps, ==, 1e-5f);
  g_assert_cmpint (c->hidden_act, ==, D2V_ACTIVATION_GELU);
  g_assert_cmpint (c->feat_extract_activation, ==, D2V_ACTIVATION_GELU);
  g_assert_cmpint (c->pad_token_id, ==, 0);
  g_assert_cmpint (c->bos_token_id, ==, 1);
  g_assert_cmpint (c->eos_token_id, ==, 2);
  SIZES (c->conv_dim, c->n_conv, 512, 512, 512, 512, 512, 512, 512);
  SIZES (c->conv_kernel, c->n_conv, 10, 3, 3, 3, 3, 2, 2);
  SIZES (c->conv_stride, c->n_conv, 5, 2, 2, 2, 2, 2, 2);
  g_assert_false (c->conv_bias);
  g_assert_cmpuint (c->num_conv_pos_embeddings, ==, 5);
  g_assert_cmpuint (c->conv_pos_kernel_size, ==, 19);
  g_assert_cmpuint (c->num_conv_pos_embedding_groups, ==, 16);
  g_assert_true (c->has_masked_spec_embed);
  g_assert_true (c->apply_spec_augment);
  g_assert_false (c->use_weighted_layer_sum);
  g_assert_cmpuint (c->classifier_proj_size, ==, 256);
  SIZES (c->tdnn_dim, c->n_tdnn, 512, 512, 512, 512, 1500);
  SIZES (c->tdnn_kernel, c->n_tdnn, 5, 3, 3, 1, 1);
  SIZES (c->tdnn_dilation, c->n_tdnn, 1, 2, 3, 1, 1);
  g_assert_cmpuint (c->xvector_output_dim, ==, 512);
  g_assert_false (c->add_adapter);
  g_assert_cmpuint (c->adapter_kernel_size, ==, 3);
  g_assert_cmpuint (c->adapter_stride, ==, 2);
  g_assert_cmpuint (c->num_adapter_layers, ==, 3);
  g_assert_cmpuint (c->output_hidden_size, ==, 768);
}

static void
test_text_defaults (void)
{
  g_autoptr (D2vConfig) c = parse ("{\"model_type\":\"data2vec-text\"}");

  g_assert_cmpint (c->modality, ==, D2V_MODALITY_TEXT);
  g_assert_cmpuint (c->vocab_size, ==, 30522);
  g_assert_cmpuint (c->max_position_embeddings, ==, 512);
  g_assert_cmpuint (c->type_vocab_size, ==, 2);
  g_assert_cmpfloat (c->layer_norm_eps, ==, 1e-12f);
  g_assert_cmpint (c->pad_token_id, ==, 1);
  g_assert_cmpint (c->bos_token_id, ==, 0);
  g_assert_cmpint (c->eos_token_id, ==, 2);
  g_assert_cmpint (c->mask_token_id, ==, -1);
  g_assert_cmpint (c->position_embedding_type, ==, D2V_POSITION_ABSOLUTE);
  g_assert_false (c->is_decoder);
  g_assert_false (c->add_cross_attention);
  g_assert_true (c->tie_word_embeddings);
}

static void
test_vision_defaults (void)
{
  g_autoptr (D2vConfig) c = parse ("{\"model_type\":\"data2vec-vision\"}");

  g_assert_cmpint (c->modality, ==, D2V_MODALITY_VISION);
  g_assert_cmpfloat (c->layer_norm_eps, ==, 1e-12f);
  g_assert_cmpuint (c->image_size_h, ==, 224);
  g_assert_cmpuint (c->image_size_w, ==, 224);
  g_assert_false (c->image_size_is_pair);
  g_assert_cmpuint (c->patch_size, ==, 16);
  g_assert_cmpuint (c->num_channels, ==, 3);
  g_assert_false (c->use_mask_token);
  g_assert_false (c->use_absolute_position_embeddings);
  g_assert_false (c->use_relative_position_bias);
  g_assert_false (c->use_shared_relative_position_bias);
  g_assert_true (c->use_layer_scale);
  g_assert_true (c->use_mean_pooling);
  SIZES (c->out_indices, c->n_out_indices, 3, 5, 7, 11);
  SIZES (c->pool_scales, c->n_pool_scales, 1, 2, 3, 6);
  g_assert_true (c->use_auxiliary_head);
  g_assert_false (c->auxiliary_concat_input);
  g_assert_cmpuint (c->auxiliary_channels, ==, 256);
  g_assert_cmpuint (c->auxiliary_num_convs, ==, 1);
}

/* --------------------------------------------------------------- values -- */

static void
test_values (void)
{
  g_autoptr (D2vConfig) audio = parse (
      "{\"model_type\":\"data2vec-audio\","
      "\"architectures\":[\"Data2VecAudioForXVector\"],\"hidden_size\":32,"
      "\"num_attention_heads\":4,\"num_conv_pos_embedding_groups\":8,"
      "\"conv_dim\":[8,9],\"conv_kernel\":[10,3],\"conv_stride\":[5,2],"
      "\"tdnn_dim\":[4],\"tdnn_kernel\":[3],\"tdnn_dilation\":[2],"
      "\"mask_time_prob\":0,\"add_adapter\":true,\"output_hidden_size\":12,"
      "\"feat_extract_activation\":\"relu\",\"hidden_act\":\"gelu_new\"}");
  SIZES (audio->conv_dim, audio->n_conv, 8, 9);
  SIZES (audio->tdnn_dim, audio->n_tdnn, 4);
  g_assert_cmpint (audio->head, ==, D2V_HEAD_XVECTOR);
  g_assert_false (audio->has_masked_spec_embed);
  g_assert_true (audio->add_adapter);
  g_assert_cmpuint (audio->output_hidden_size, ==, 12);
  g_assert_cmpint (audio->feat_extract_activation, ==, D2V_ACTIVATION_RELU);
  g_assert_cmpint (audio->hidden_act, ==, D2V_ACTIVATION_GELU_TANH);

  g_autoptr (D2vConfig) text
      = parse ("{\"model_type\":\"data2vec-text\",\"is_decoder\":true,"
               "\"position_embedding_type\":\"relative_key_query\","
               "\"tie_word_embeddings\":false,\"mask_token_id\":50264,"
               "\"vocab_size\":50265,\"layer_norm_eps\":1e-05,"
               "\"eos_token_id\":[2,3]}");
  g_assert_true (text->is_decoder);
  g_assert_false (text->tie_word_embeddings);
  g_assert_cmpint (text->position_embedding_type, ==,
                   D2V_POSITION_RELATIVE_KEY_QUERY);
  g_assert_cmpint (text->mask_token_id, ==, 50264);
  g_assert_cmpint (text->eos_token_id, ==, 2);
  g_assert_cmpfloat (text->layer_norm_eps, ==, 1e-5f);

  g_autoptr (D2vConfig) vision
      = parse ("{\"model_type\":\"data2vec-vision\",\"image_size\":[32,48],"
               "\"patch_size\":[16,16],\"layer_scale_init_value\":0}");
  g_assert_true (vision->image_size_is_pair);
  g_assert_cmpuint (vision->image_size_h, ==, 32);
  g_assert_cmpuint (vision->image_size_w, ==, 48);
  g_assert_false (vision->use_layer_scale);
}

static void
test_null_is_absent (void)
{
  g_autoptr (D2vConfig) c
      = parse ("{\"model_type\":\"data2vec-text\",\"hidden_size\":null,"
               "\"id2label\":null,\"hidden_act\":null,\"pad_token_id\":null,"
               "\"problem_type\":null,\"is_decoder\":null,"
               "\"architectures\":null,\"layer_norm_eps\":null}");

  g_assert_cmpuint (c->hidden_size, ==, 768);
  g_assert_cmpint (c->pad_token_id, ==, 1);
  g_assert_cmpint (c->problem_type, ==, D2V_PROBLEM_NONE);
  g_assert_cmpuint (c->num_labels, ==, 2);
}

/* A key of another class may hold anything and changes nothing. */
static void
test_unused_keys (void)
{
  g_autoptr (D2vConfig) audio
      = parse ("{\"model_type\":\"data2vec-audio\",\"tdnn_dim\":[1,0],"
               "\"adapter_stride\":-1,\"classifier_proj_size\":\"x\","
               "\"vocab_size\":0,\"id2label\":[],\"num_labels\":-1}");
  SIZES (audio->tdnn_dim, audio->n_tdnn, 512, 512, 512, 512, 1500);
  g_assert_cmpuint (audio->adapter_stride, ==, 2);
  g_assert_cmpuint (audio->vocab_size, ==, 32);

  g_autoptr (D2vConfig) vision
      = parse ("{\"model_type\":\"data2vec-vision\",\"vocab_size\":-1,"
               "\"out_indices\":[1,2,300],\"conv_dim\":5}");
  SIZES (vision->out_indices, vision->n_out_indices, 3, 5, 7, 11);
}

/* --------------------------------------------------------------- heads -- */

static void
test_every_class (void)
{
  static const struct
  {
    const gchar *family, *name;
    D2vHead head;
  } classes[] = {
    { "Audio", "Model", D2V_HEAD_MODEL },
    { "Audio", "ForCTC", D2V_HEAD_CTC },
    { "Audio", "ForAudioFrameClassification",
      D2V_HEAD_AUDIO_FRAME_CLASSIFICATION },
    { "Audio", "ForSequenceClassification", D2V_HEAD_SEQUENCE_CLASSIFICATION },
    { "Audio", "ForXVector", D2V_HEAD_XVECTOR },
    { "Text", "Model", D2V_HEAD_MODEL },
    { "Text", "ForMaskedLM", D2V_HEAD_MASKED_LM },
    { "Text", "ForCausalLM", D2V_HEAD_CAUSAL_LM },
    { "Text", "ForSequenceClassification", D2V_HEAD_SEQUENCE_CLASSIFICATION },
    { "Text", "ForTokenClassification", D2V_HEAD_TOKEN_CLASSIFICATION },
    { "Text", "ForQuestionAnswering", D2V_HEAD_QUESTION_ANSWERING },
    { "Text", "ForMultipleChoice", D2V_HEAD_MULTIPLE_CHOICE },
    { "Vision", "Model", D2V_HEAD_MODEL },
    { "Vision", "ForImageClassification", D2V_HEAD_IMAGE_CLASSIFICATION },
    { "Vision", "ForSemanticSegmentation", D2V_HEAD_SEMANTIC_SEGMENTATION },
  };

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      g_autofree gchar *type = g_ascii_strdown (classes[i].family, -1);
      g_autofree gchar *named = g_strdup_printf (
          "{\"model_type\":\"data2vec-%s\",\"architectures\":"
          "[\"Unknown\",\"Data2Vec%s%s\"]}",
          type, classes[i].family, classes[i].name);
      g_autofree gchar *bare
          = g_strdup_printf ("{\"model_type\":\"data2vec-%s\"}", type);
      g_autoptr (GError) error = NULL;
      g_autoptr (D2vConfig) by_name = parse (named);
      g_autoptr (D2vConfig) asked = parse_as (bare, classes[i].name, &error);
      g_assert_no_error (error);
      g_assert_true (by_name->head_known && asked->head_known);
      g_assert_cmpint (by_name->head, ==, classes[i].head);
      g_assert_cmpint (asked->head, ==, classes[i].head);
    }
}

static void
test_asked_head_wins (void)
{
  static const gchar text[]
      = "{\"model_type\":\"data2vec-text\","
        "\"architectures\":[\"Data2VecTextForMaskedLM\"]}";
  g_autoptr (D2vConfig) c = parse_as (text, "Model", NULL);

  g_assert_cmpint (c->head, ==, D2V_HEAD_MODEL);
  assert_refused (text, "ForCTC", D2V_ERROR_ARCH_HEAD, "ForCTC");
  assert_refused (text, "ForNothing", D2V_ERROR_USAGE, "ForNothing");
  assert_refused (text, "", D2V_ERROR_USAGE, "head");
}

/* -------------------------------------------------------------- labels -- */

#define CLASSIFIER                                                             \
  "{\"model_type\":\"data2vec-vision\","                                       \
  "\"architectures\":[\"Data2VecVisionForImageClassification\"],"

static void
test_labels (void)
{
  g_autoptr (D2vConfig) named
      = parse (CLASSIFIER "\"id2label\":{\"2\":\"crane\",\"0\":\"crane\","
                          "\"1\":7,\"3\":0.5},\"num_labels\":9}");
  g_assert_cmpuint (named->num_labels, ==, 4);
  g_assert_cmpstr (named->id2label[0], ==, "crane");
  g_assert_cmpstr (named->id2label[1], ==, "7");
  g_assert_cmpstr (named->id2label[2], ==, "crane");
  g_assert_cmpstr (named->id2label[3], ==, "0.5");
  g_assert_null (named->id2label[4]);

  g_autoptr (D2vConfig) counted = parse (CLASSIFIER "\"num_labels\":3}");
  g_assert_cmpuint (counted->num_labels, ==, 3);
  g_assert_cmpstr (counted->id2label[2], ==, "LABEL_2");

  g_autoptr (D2vConfig) neither = parse (CLASSIFIER "\"x\":1}");
  g_assert_cmpuint (neither->num_labels, ==, 2);
  g_assert_cmpstr (neither->id2label[1], ==, "LABEL_1");
}

static void
test_problem_types (void)
{
  static const gchar *const names[]
      = { "regression", "single_label_classification",
          "multi_label_classification" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *text
          = g_strdup_printf (CLASSIFIER "\"problem_type\":\"%s\"}", names[i]);
      g_autoptr (D2vConfig) c = parse (text);
      g_assert_cmpint (c->problem_type, ==, D2V_PROBLEM_REGRESSION + i);
    }
}

/* ------------------------------------------------------------ messages -- */

static void
test_messages (void)
{
  assert_refused ("{\"model_type\":\"data2vec-text\",\"hidden_size\":20000}",
                  NULL, D2V_ERROR_CONFIG_RANGE,
                  "hidden_size: expected an integer within 8..16384, found "
                  "20000");
  assert_refused ("{\"model_type\":\"data2vec-text\",\"hidden_size\":\"a\"}",
                  NULL, D2V_ERROR_CONFIG_TYPE,
                  "hidden_size: expected an integer, found a string");
  assert_refused ("{\"model_type\":\"data2vec-text\",\"hidden_act\":\"xielu\"}",
                  NULL, D2V_ERROR_CONFIG_RANGE, "hidden_act");
  assert_refused ("{\"model_type\":\"wav2vec2\"}", NULL,
                  D2V_ERROR_CONFIG_MODEL_TYPE, "wav2vec2");
  assert_refused ("{\"model_type\":\"a\\nb\"}", NULL,
                  D2V_ERROR_CONFIG_MODEL_TYPE, "a\\x0ab");
}

static void
test_reads_a_directory (void)
{
  static const gchar text[] = "{\"model_type\":\"data2vec-text\"}";
  g_auto (Folder) folder = folder_new ();
  g_autoptr (GError) error = NULL;

  folder_write (&folder, "config.json", text, strlen (text));
  g_autoptr (D2vConfig) c = d2v_config_read (folder.path, "Model", &error);
  g_assert_no_error (error);
  g_assert_cmpint (c->modality, ==, D2V_MODALITY_TEXT);
}

/* -------------------------------------------------------------- frames -- */

static void
test_frames (void)
{
  static const gsize expected[][2]
      = { { 0, 0 },        { 1, 0 },        { 399, 0 },    { 400, 1 },
          { 719, 1 },      { 720, 2 },      { 16000, 49 }, { 93680, 292 },
          { 160000, 499 }, { 480000, 1499 } };
  g_autoptr (D2vConfig) c = parse ("{\"model_type\":\"data2vec-audio\"}");

  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpuint (d2v_config_n_frames (c, expected[i][0]), ==,
                      expected[i][1]);
  g_assert_cmpuint (d2v_config_frame_stride (c), ==, 320);
  g_assert_cmpuint (d2v_config_receptive_field (c), ==, 400);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/config/audio-defaults", test_audio_defaults);
  g_test_add_func ("/io/config/text-defaults", test_text_defaults);
  g_test_add_func ("/io/config/vision-defaults", test_vision_defaults);
  g_test_add_func ("/io/config/values", test_values);
  g_test_add_func ("/io/config/C-null-is-absent", test_null_is_absent);
  g_test_add_func ("/io/config/C-unused-keys", test_unused_keys);
  g_test_add_func ("/io/config/every-class", test_every_class);
  g_test_add_func ("/io/config/asked-head-wins", test_asked_head_wins);
  g_test_add_func ("/io/config/labels", test_labels);
  g_test_add_func ("/io/config/problem-types", test_problem_types);
  g_test_add_func ("/io/config/C-messages", test_messages);
  g_test_add_func ("/io/config/reads-a-directory", test_reads_a_directory);
  g_test_add_func ("/io/config/frames", test_frames);
  return g_test_run ();
}
