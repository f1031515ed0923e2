/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a tokenizer's files: up to six parts with a byte FF between
 * them, in the order of D2vTokenizerFiles; an empty part is a file that is not
 * there. A tokenizer that then works, or one error. */

#include "engine/process/bpe.h"

#include <stdlib.h>
#include <string.h>

#define N_FILES 6

int LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes);

/* Copies, so that the sanitizer sees a read beyond any one file. */
static void
split (const guint8 *data, gsize n_bytes, GBytes *parts[N_FILES])
{
  for (guint i = 0; i < N_FILES && n_bytes > 0; i++)
    {
      const guint8 *mark
          = i + 1 < N_FILES ? memchr (data, 0xff, n_bytes) : NULL;
      gsize n = mark ? (gsize) (mark - data) : n_bytes;

      if (n > 0)
        parts[i] = g_bytes_new (data, n);
      data += mark ? n + 1 : n;
      n_bytes -= mark ? n + 1 : n;
    }
}

static void
use (const D2vTokenizer *tokenizer)
{
  static const gchar text[]
      = " a<mask> the caf\303\251's <s>12  \n\360\237\230\200</s> ab";
  const D2vEncodeParams params = { .truncation = D2V_TRUNCATE_LONGEST_FIRST,
                                   .max_length = 12,
                                   .all_parts = TRUE,
                                   .stride = 2,
                                   .padding = D2V_PAD_LONGEST };
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vEncoding) e
      = d2v_tokenizer_encode (tokenizer, text, -1, text, -1, &params, &error);
  gsize length;

  if ((e == NULL) == (error == NULL))
    abort ();
  if (e == NULL)
    return;
  g_autofree gchar *back = d2v_tokenizer_decode (tokenizer, e->ids, e->n_tokens,
                                                 TRUE, &length, NULL);
  if (!g_utf8_validate_len (back, strlen (back), NULL))
    abort ();
  for (gsize i = 0; i < e->n_tokens; i++)
    if (d2v_tokenizer_token (tokenizer, e->ids[i], NULL) == NULL)
      abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t n_bytes)
{
  GBytes *parts[N_FILES] = { NULL };
  g_autoptr (GError) error = NULL;

  split (data, n_bytes, parts);
  const D2vTokenizerFiles files
      = { NULL, parts[0], parts[1], parts[2], parts[3], parts[4], parts[5] };
  g_autoptr (D2vTokenizer) tokenizer = d2v_tokenizer_new (&files, 0, &error);
  for (guint i = 0; i < N_FILES; i++)
    g_clear_pointer (&parts[i], g_bytes_unref);

  if ((tokenizer == NULL) == (error == NULL))
    abort ();
  if (tokenizer != NULL)
    use (tokenizer);
  return 0;
}
