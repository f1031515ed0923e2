/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text.h: text on its way between streams and models. Any thread. */
#pragma once

#include "engine/process/bpe.h"

/* Rows @begin .. @begin + n_rows - 1 of @encoding, which are equally long, as
 * the model's inputs: "input_ids" and "attention_mask", I64 (n_rows, N), set
 * in @inputs. FALSE with INPUT when the rows differ in length or have none,
 * NO_MEMORY. */
gboolean d2v_text_inputs (const D2vEncoding *encoding, gsize begin,
                          gsize n_rows, D2vTensors *inputs, GError **error);

/* @n_bytes of any kind made UTF-8: one U+FFFD for each ill-formed part, which
 * *n_replaced (may be NULL) counts. @length (may be NULL) gets the result's
 * bytes, for it may hold U+0000; it is NUL-terminated. Free with g_free();
 * NULL with NO_MEMORY. */
gchar *d2v_text_repair (const gchar *bytes, gsize n_bytes, gsize *length,
                        gsize *n_replaced, GError **error);
