/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test_generate.c: continuations against the original's, with and without the
 * cache. */

#include "engine/io/json.h"
#include "engine/session/device.h"
#include "engine/session/generate.h"

#include <math.h>
#include <string.h>

static gchar *
models (const gchar *folder, const gchar *name)
{
  return g_build_filename (g_getenv ("D2V_SOURCE_ROOT"), "tests", "models",
                           folder, name, NULL);
}

static D2vSession *
open_model (const gchar *name)
{
  g_autofree gchar *path = models ("cases", name);
  const D2vSessionParams where = { .device = g_getenv ("D2V_TEST_DEVICE") };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vModel) model = d2v_model_open (path, NULL, &error);
  g_assert_no_error (error);
  D2vSession *session = d2v_session_new (model, &where, &error);
  g_assert_no_error (error);
  return session;
}

/* Rows of equal length. */
typedef struct
{
  gint64 *numbers;
  gsize B, n;
} Rows;

static void
rows_clear (Rows *rows)
{
  g_free (rows->numbers);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rows, rows_clear)

static Rows
get_rows (const D2vJsonValue *request, const gchar *key)
{
  const D2vJsonValue *value = d2v_json_member (request, key);
  Rows rows = { NULL, d2v_json_length (value), 0 };

  if (rows.B > 0)
    rows.n = d2v_json_length (d2v_json_element (value, 0));
  rows.numbers = g_new0 (gint64, rows.B * rows.n + 1);
  for (gsize b = 0; b < rows.B; b++)
    for (gsize t = 0; t < rows.n; t++)
      rows.numbers[b * rows.n + t] = d2v_json_integer (
          d2v_json_element (d2v_json_element (value, b), t));
  return rows;
}

static gint64
best (const gfloat *logits, gsize n)
{
  gsize at = 0;

  for (gsize i = 1; i < n; i++)
    if (logits[i] > logits[at])
      at = i;
  return (gint64) at;
}

/* One request of generate/NAME.json by one rule. */
typedef struct
{
  D2vSession *session;
  const D2vJsonValue *request;
  gboolean forward, no_cache;
} Run;

static D2vDecoder *
start (const Run *run, const Rows *prompt)
{
  g_auto (Rows) mask = get_rows (run->request, "attention_mask");
  g_autofree guint8 *bits = g_new (guint8, prompt->B * prompt->n);
  g_autoptr (GError) error = NULL;
  gsize max_new = (gsize) d2v_json_integer (
      d2v_json_member (run->request, "max_new_tokens"));

  for (gsize i = 0; i < prompt->B * prompt->n; i++)
    bits[i] = mask.B > 0 ? mask.numbers[i] != 0 : 1;
  const D2vDecoderParams params = {
    .ids = prompt->numbers,
    .mask = mask.B > 0 ? bits : NULL,
    .B = prompt->B,
    .n = prompt->n,
    .max_tokens = prompt->n + max_new,
    .forward_positions = run->forward,
    .no_cache = run->no_cache,
  };
  D2vDecoder *decoder = d2v_decoder_new (run->session, &params, &error);
  g_assert_no_error (error);
  return decoder;
}

/* Greedy; a row that met the end goes on with padding. */
static void
check_run (const Run *run, const Rows *prompt, const Rows *expected)
{
  const D2vConfig *config = d2v_session_model (run->session)->config;
  gint64 stop
      = d2v_json_integer (d2v_json_member (run->request, "eos_token_id"));
  g_autoptr (D2vDecoder) decoder = start (run, prompt);
  g_autofree gint64 *next = g_new (gint64, prompt->B);
  g_autofree gboolean *ended = g_new0 (gboolean, prompt->B);
  g_autoptr (GError) error = NULL;

  for (gsize step = 0; step < expected->n; step++)
    {
      const gfloat *logits = d2v_decoder_logits (decoder, NULL, &error);
      g_assert_no_error (error);
      for (gsize b = 0; b < prompt->B; b++)
        {
          next[b] = ended[b] ? config->pad_token_id
                             : best (logits + b * config->vocab_size,
                                     config->vocab_size);
          ended[b] |= next[b] == stop;
          g_assert_cmpint (next[b], ==,
                           expected->numbers[b * expected->n + step]);
        }
      d2v_decoder_append (decoder, next, &error);
      g_assert_no_error (error);
    }
}

static gsize
check_rule (D2vSession *session, const D2vJsonValue *request, gboolean forward)
{
  g_auto (Rows) prompt = get_rows (request, "input_ids");
  g_auto (Rows) expected = get_rows (request, forward ? "forward" : "generate");

  if (expected.B == 0)
    return 0;
  g_assert_cmpuint (expected.B, ==, prompt.B);
  for (guint no_cache = 0; no_cache < 2; no_cache++)
    check_run (&(Run){ session, request, forward, no_cache }, &prompt,
               &expected);
  return expected.B * expected.n;
}

static void
test_golden (gconstpointer name)
{
  g_autofree gchar *dir = models ("generate", "");
  g_autofree gchar *file = g_strconcat (name, ".json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vJson) json = d2v_json_read (dir, file, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (D2vSession) session = open_model (name);
  const D2vJsonValue *requests
      = d2v_json_member (d2v_json_root (json), "requests");
  gsize n_tokens = 0;

  g_assert_cmpuint (d2v_json_length (requests), >, 0);
  for (gsize i = 0; i < d2v_json_length (requests); i++)
    for (guint forward = 0; forward < 2; forward++)
      n_tokens += check_rule (session, d2v_json_element (requests, i),
                              (gboolean) forward);
  g_assert_cmpuint (n_tokens, >, 20);
}

/* ------------------------------------------------- cache against without */

static D2vDecoder *
start_one (D2vSession *session, gsize n, gsize n_padding, gboolean no_cache)
{
  gint64 ids[64];
  guint8 mask[64];
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    {
      ids[i] = i < n_padding ? 1 : (gint64) (3 + (i * 7 + n) % 40);
      mask[i] = i >= n_padding;
    }
  const D2vDecoderParams params = { .ids = ids,
                                    .mask = mask,
                                    .B = 1,
                                    .n = n,
                                    .max_tokens = n + 12,
                                    .no_cache = no_cache };
  D2vDecoder *decoder = d2v_decoder_new (session, &params, &error);
  g_assert_no_error (error);
  return decoder;
}

static void
check_equal (const gfloat *a, const gfloat *b, gsize n)
{
  gdouble largest = 0, worst = 0;

  for (gsize i = 0; i < n; i++)
    {
      largest = MAX (largest, fabs (b[i]));
      worst = MAX (worst, fabs ((gdouble) a[i] - b[i]));
    }
  g_assert_cmpfloat (worst, <=, 2e-5 * largest);
}

/* Prompts below, at and above a block, with padding in front of some. */
static void
test_cache (gconstpointer name)
{
  static const gsize lengths[] = { 1, 2, 7, 8, 9, 15, 16, 17, 30 };
  g_autoptr (D2vSession) session = open_model (name);
  gsize V = d2v_session_model (session)->config->vocab_size;
  gsize room = d2v_decoder_room (d2v_session_model (session), FALSE);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (room, >, 16);
  for (gsize i = 0; i < G_N_ELEMENTS (lengths) && lengths[i] < room; i++)
    {
      gsize n_padding = i % 3 == 2 ? lengths[i] / 3 : 0;
      g_autoptr (D2vDecoder) cached
          = start_one (session, lengths[i], n_padding, FALSE);
      g_autoptr (D2vDecoder) plain
          = start_one (session, lengths[i], n_padding, TRUE);

      for (gint64 step = 0; step < MIN (12, (gint64) (room - lengths[i]));
           step++)
        {
          const gfloat *a = d2v_decoder_logits (cached, NULL, &error);
          g_assert_no_error (error);
          const gfloat *b = d2v_decoder_logits (plain, NULL, &error);
          g_assert_no_error (error);
          check_equal (a, b, V);
          gint64 next = (best (b, V) + step) % (gint64) V;
          g_assert_true (d2v_decoder_append (cached, &next, NULL));
          g_assert_true (d2v_decoder_append (plain, &next, NULL));
        }
    }
}

/* Two texts that grow in turns do not see each other, and a later one does not
 * see what an earlier one left behind. */
static void
test_turns (void)
{
  g_autoptr (D2vSession) session = open_model ("text-causal-decoder");
  gsize V = d2v_session_model (session)->config->vocab_size;
  g_autofree gfloat *alone = g_new (gfloat, 6 * V);

  for (guint round = 0; round < 3; round++)
    {
      g_autoptr (D2vDecoder) a = start_one (session, 9, 0, FALSE);
      g_autoptr (D2vDecoder) b = start_one (session, 5, 0, FALSE);

      for (gsize step = 0; step < 6; step++)
        {
          const gfloat *logits = d2v_decoder_logits (a, NULL, NULL);
          gint64 next = best (logits, V), other = (gint64) step + 3;

          if (round == 0)
            memcpy (alone + step * V, logits, V * sizeof (gfloat));
          g_assert_cmpmem (alone + step * V, V * sizeof (gfloat), logits,
                           V * sizeof (gfloat));
          g_assert_true (d2v_decoder_append (a, &next, NULL));
          if (round == 0)
            continue;
          g_assert_nonnull (d2v_decoder_logits (b, NULL, NULL));
          g_assert_true (d2v_decoder_append (b, &other, NULL));
        }
    }
}

static void
test_limits (void)
{
  g_autoptr (D2vSession) session = open_model ("text-causal-decoder");
  const D2vModel *model = d2v_session_model (session);
  gsize P = model->config->max_position_embeddings;
  g_autofree gint64 *ids = g_new0 (gint64, P + 1);
  g_autoptr (GError) error = NULL;
  D2vDecoderParams params = { .ids = ids, .B = 1, .n = P, .max_tokens = P + 1 };
  gint64 next = 5;

  g_assert_cmpuint (d2v_decoder_room (model, FALSE), ==, P);
  g_assert_cmpuint (d2v_decoder_room (model, TRUE), ==, P - 2);
  g_autoptr (D2vDecoder) full = d2v_decoder_new (session, &params, &error);
  g_assert_no_error (error);
  g_assert_nonnull (d2v_decoder_logits (full, NULL, &error));
  g_assert_false (d2v_decoder_append (full, &next, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);

  params.forward_positions = TRUE;
  g_assert_null (d2v_decoder_new (session, &params, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_clear_error (&error);

  ids[0] = (gint64) model->config->vocab_size;
  params.n = 1;
  g_assert_null (d2v_decoder_new (session, &params, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
}

static void
test_cancel (void)
{
  g_autoptr (D2vSession) session = open_model ("text-causal-decoder");
  g_autoptr (D2vDecoder) decoder = start_one (session, 9, 0, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (d2v_decoder_logits (decoder, cancellable, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CANCELLED);
  /* Not a broken one: what was not read is read now. */
  g_assert_nonnull (d2v_decoder_logits (decoder, NULL, NULL));
}

int
main (int argc, char **argv)
{
  static const gchar *const golden[]
      = { "text-causal-decoder", "text-causal-left", "text-causal-positions",
          "text-causal-untied" };
  static const gchar *const decoders[]
      = { "text-causal-decoder", "text-causal-cross", "text-relative-causal",
          "text-relative-query-causal" };

  const gchar *wanted = g_getenv ("D2V_TEST_DEVICE");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *device
      = wanted != NULL ? d2v_device_resolve (wanted, &error) : NULL;

  g_test_init (&argc, &argv, NULL);
  if (error != NULL)
    {
      g_print ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      g_autofree gchar *path
          = g_strconcat ("/session/generate/golden/", golden[i], NULL);
      g_test_add_data_func (path, golden[i], test_golden);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (decoders); i++)
    {
      g_autofree gchar *path
          = g_strconcat ("/session/generate/cache/", decoders[i], NULL);
      g_test_add_data_func (path, decoders[i], test_cache);
    }
  g_test_add_func ("/session/generate/turns", test_turns);
  g_test_add_func ("/session/generate/limits", test_limits);
  g_test_add_func ("/session/generate/cancel", test_cancel);
  return g_test_run ();
}
