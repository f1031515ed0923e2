/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* inspect.c: a model described, for people and for programs. */

#include "engine/graph/plan.h"
#include "engine/io/json.h"
#include "engine/model/model.h"

/* One list of facts, written as JSON or as lines of text. */
typedef struct
{
  GString *out;
  gboolean json;
} Facts;

static void
add_key (Facts *facts, const gchar *key)
{
  if (facts->json)
    {
      g_string_append (facts->out, facts->out->len > 1 ? "," : "");
      d2v_json_append_string (facts->out, key, -1);
      g_string_append_c (facts->out, ':');
    }
  else
    g_string_append_printf (facts->out, "%s%-26s", facts->out->len ? "\n" : "",
                            key);
}

static void
add_string (Facts *facts, const gchar *key, const gchar *value)
{
  add_key (facts, key);
  if (!facts->json)
    g_string_append (facts->out, value != NULL ? value : "-");
  else if (value == NULL)
    g_string_append (facts->out, "null");
  else
    d2v_json_append_string (facts->out, value, -1);
}

static void
add_integer (Facts *facts, const gchar *key, guint64 value)
{
  add_key (facts, key);
  g_string_append_printf (facts->out, "%" G_GUINT64_FORMAT, value);
}

static void
add_real (Facts *facts, const gchar *key, gdouble value)
{
  add_key (facts, key);
  if (facts->json)
    d2v_json_append_double (facts->out, value);
  else
    g_string_append_printf (facts->out, "%.3f", value);
}

static void
add_labels (Facts *facts, const D2vConfig *c)
{
  add_key (facts, "labels");
  g_string_append (facts->out, facts->json ? "[" : "");
  for (gsize i = 0; i < c->num_labels && (facts->json || i < 8); i++)
    {
      g_string_append (facts->out, i > 0 ? (facts->json ? "," : ", ") : "");
      if (facts->json)
        d2v_json_append_string (facts->out, c->id2label[i], -1);
      else
        g_string_append (facts->out, c->id2label[i]);
    }
  g_string_append (facts->out, facts->json         ? "]"
                               : c->num_labels > 8 ? ", ..."
                                                   : "");
}

static gdouble
flop_for (const D2vModel *model, D2vTensors *prepared)
{
  const D2vRecordOptions options = { FALSE };
  D2vPlan *plan
      = d2v_plan_new (d2v_model_record (model, prepared, &options), 0, NULL);
  gdouble flop = plan != NULL ? plan->flop : 0;

  d2v_plan_free (plan);
  return flop;
}

static void
set_input (D2vTensors *inputs, const gchar *name, D2vDType dtype,
           D2vShape shape)
{
  g_autoptr (D2vTensor) tensor = d2v_tensor_new (dtype, shape.rank, shape.dim);

  if (tensor != NULL)
    d2v_tensors_set (inputs, name, tensor);
}

/* Costs are those of a pass that people would run: 10 s of sound, 128 tokens,
 * one image of the trained size. */
static void
add_cost (Facts *facts, const D2vModel *model)
{
  const D2vConfig *c = model->config;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  g_autoptr (D2vTensors) prepared = d2v_tensors_new ();
  const gchar *key = "gflop_per_second_of_audio";
  gdouble per = 10;

  if (c->modality == D2V_MODALITY_AUDIO)
    set_input (inputs, "input_values", D2V_F32,
               d2v_shape (1, 10 * (gsize) model->audio.sampling_rate));
  else if (c->modality == D2V_MODALITY_TEXT)
    {
      gsize n = MIN (128, c->max_position_embeddings
                              - MIN ((gsize) c->pad_token_id + 1,
                                     c->max_position_embeddings - 1));
      /* One choice of one row costs what any row does. */
      set_input (inputs, "input_ids", D2V_I64,
                 model->head == D2V_HEAD_MULTIPLE_CHOICE ? d2v_shape (1, 1, n)
                                                         : d2v_shape (1, n));
      key = "gflop_per_128_tokens";
      per = (gdouble) n / 128;
    }
  else
    {
      set_input (
          inputs, "pixel_values", D2V_F32,
          d2v_shape (1, c->num_channels, c->image_size_h, c->image_size_w));
      key = "gflop_per_frame";
      per = 1;
    }
  if (model->family->prepare (c, model->head, inputs, prepared, NULL))
    add_real (facts, key, flop_for (model, prepared) / per / 1e9);
}

static void
add_memory (Facts *facts, const D2vModel *model)
{
  add_integer (facts, "memory_f32_bytes", model->n_parameters * 4);
  add_integer (facts, "memory_f16_bytes", model->n_parameters * 2);
  add_integer (facts, "memory_int8_bytes", model->n_parameters);
}

static const gchar *
family_name (D2vModality modality)
{
  return modality == D2V_MODALITY_AUDIO  ? "audio"
         : modality == D2V_MODALITY_TEXT ? "text"
                                         : "vision";
}

static gchar *
class_name (const D2vModel *model)
{
  const gchar *family = family_name (model->config->modality);

  return g_strdup_printf ("Data2Vec%c%s%s", g_ascii_toupper (family[0]),
                          family + 1, d2v_head_name (model->head));
}

static gchar *
launch_line (const D2vModel *model, const gchar *element)
{
  if (element == NULL)
    return NULL;
  return g_strdup_printf (
      "gst-launch-1.0 -q filesrc location=talk.ogg ! decodebin ! "
      "audioconvert ! audioresample ! %s model=%s ! fdsink",
      element, model->dir);
}

static void
add_sizes (Facts *facts, const D2vModel *model)
{
  const D2vConfig *c = model->config;

  add_integer (facts, "hidden_size", c->hidden_size);
  add_integer (facts, "num_hidden_layers", c->num_hidden_layers);
  add_integer (facts, "num_attention_heads", c->num_attention_heads);
  add_integer (facts, "intermediate_size", c->intermediate_size);
  if (c->modality == D2V_MODALITY_AUDIO)
    {
      add_integer (facts, "sampling_rate", model->audio.sampling_rate);
      add_integer (facts, "samples_per_frame", d2v_config_frame_stride (c));
    }
  else if (c->modality == D2V_MODALITY_TEXT)
    {
      add_integer (facts, "vocab_size", c->vocab_size);
      add_integer (facts, "max_position_embeddings",
                   c->max_position_embeddings);
    }
  else
    {
      add_integer (facts, "image_height", c->image_size_h);
      add_integer (facts, "image_width", c->image_size_w);
      add_integer (facts, "patch_size", c->patch_size);
    }
}

gchar *
d2v_model_inspect (D2vModel *model, gboolean json)
{
  const D2vConfig *c = model->config;
  Facts facts = { g_string_new (json ? "{" : NULL), json };
  const gchar *element = d2v_head_element (c->modality, model->head);
  g_autofree gchar *type
      = g_strdup_printf ("data2vec-%s", family_name (c->modality));
  g_autofree gchar *class = class_name (model);
  g_autofree gchar *launch = launch_line (model, element);

  add_string (&facts, "path", model->dir);
  add_string (&facts, "model_type", type);
  add_string (&facts, "class", class);
  add_string (&facts, "head", d2v_head_name (model->head));
  add_sizes (&facts, model);
  if (model->head == D2V_HEAD_CTC)
    add_integer (&facts, "vocab_size", c->vocab_size);
  else
    {
      add_integer (&facts, "num_labels", c->num_labels);
      add_labels (&facts, c);
    }
  if (model->weights != NULL)
    {
      add_string (&facts, "weights_file", model->weights_file);
      add_string (&facts, "stored_as", d2v_dtype_name (model->stored_dtype));
      add_integer (&facts, "parameters", model->n_parameters);
      add_memory (&facts, model);
      add_cost (&facts, model);
    }
  add_string (&facts, "element", element);
  add_string (&facts, "launch", launch);
  if (json)
    g_string_append_c (facts.out, '}');
  return g_string_free (facts.out, FALSE);
}
