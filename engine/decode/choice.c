/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/decode/choice.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/decode/scores.h"

D2vEncoding *
d2v_choice_encode (const D2vTokenizer *tokenizer, const gchar *prompt,
                   gssize prompt_length, const D2vString *choices, gsize n,
                   GError **error)
{
  const D2vEncodeParams params = { .truncation = D2V_TRUNCATE_LONGEST_FIRST,
                                   .padding = D2V_PAD_LONGEST,
                                   .max_text_bytes = D2V_MAX_DOCUMENT_BYTES };
  g_autofree D2vString *prompts = g_try_new (D2vString, n + 1);

  if (n == 0 || !prompts)
    {
      d2v_fail (error, n ? D2V_ERROR_NO_MEMORY : D2V_ERROR_INPUT, NULL,
                "expected choices and memory for them, found none");
      return NULL;
    }
  for (gsize i = 0; i < n; i++)
    prompts[i] = (D2vString){ prompt, prompt_length };
  return d2v_tokenizer_encode_batch (tokenizer, n, prompts, choices, &params,
                                     error);
}

D2vChoice *
d2v_choice_decode (const gfloat *logits, gsize n, GError **error)
{
  g_autoptr (D2vChoice) choice = g_new0 (D2vChoice, 1);

  choice->n = n;
  choice->scores = d2v_malloc_n (n, sizeof (gfloat));
  choice->logits = d2v_malloc_n (n, sizeof (gfloat));
  if (!choice->scores || !choice->logits)
    {
      d2v_fail (error, D2V_ERROR_NO_MEMORY, NULL,
                "expected memory for the scores, found none");
      return NULL;
    }
  memcpy (choice->logits, logits, n * sizeof (gfloat));
  d2v_softmax (logits, choice->scores, n);
  choice->choice = d2v_argmax (logits, n);
  return g_steal_pointer (&choice);
}

void
d2v_choice_free (D2vChoice *choice)
{
  if (!choice)
    return;
  d2v_free (choice->scores);
  d2v_free (choice->logits);
  g_free (choice);
}
