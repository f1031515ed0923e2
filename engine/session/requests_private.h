/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* requests_private.h: the parts of a service, for each other.
 *
 *   requests             opens a model, reads a request, asks who answers it
 *   requests_read        keys of a request, checked
 *   requests_write       numbers and lists of an answer
 *   requests_tokenize, requests_preprocess, requests_decode,
 *   requests_apply_*     one command, or the classes of one modality, each
 *
 * Whoever answers appends one JSON value; what it appended before it failed
 * is dropped. */
#pragma once

#include "engine/io/json.h"
#include "engine/process/wav.h"
#include "engine/session/task.h"

struct _D2vService
{
  D2vCommand command;
  D2vConfig *config;             /* unless apply or decode */
  D2vModel *model;               /* apply, decode */
  D2vTask *task;                 /* apply */
  D2vTokenizer *tokenizer;       /* tokenize */
  D2vAudioProcessorConfig audio; /* preprocess */
  D2vImageProcessor *processor;  /* preprocess */
};

typedef gboolean (*D2vAnswerFunc) (D2vService *service,
                                   const D2vJsonValue *request, GString *out,
                                   GError **error);

gboolean d2v_answer_tokenize (D2vService *service, const D2vJsonValue *request,
                              GString *out, GError **error);
gboolean d2v_answer_preprocess (D2vService *service,
                                const D2vJsonValue *request, GString *out,
                                GError **error);
gboolean d2v_answer_decode (D2vService *service, const D2vJsonValue *request,
                            GString *out, GError **error);

/* By the model's class. */
gboolean d2v_answer_speech (D2vService *service, const D2vJsonValue *request,
                            GString *out, GError **error);
gboolean d2v_answer_sound_classes (D2vService *service,
                                   const D2vJsonValue *request, GString *out,
                                   GError **error);
gboolean d2v_answer_frames (D2vService *service, const D2vJsonValue *request,
                            GString *out, GError **error);
gboolean d2v_answer_speakers (D2vService *service, const D2vJsonValue *request,
                              GString *out, GError **error);
gboolean d2v_answer_sound_features (D2vService *service,
                                    const D2vJsonValue *request, GString *out,
                                    GError **error);
gboolean d2v_answer_image_classes (D2vService *service,
                                   const D2vJsonValue *request, GString *out,
                                   GError **error);
gboolean d2v_answer_segmentation (D2vService *service,
                                  const D2vJsonValue *request, GString *out,
                                  GError **error);
gboolean d2v_answer_image_features (D2vService *service,
                                    const D2vJsonValue *request, GString *out,
                                    GError **error);
gboolean d2v_answer_text_classes (D2vService *service,
                                  const D2vJsonValue *request, GString *out,
                                  GError **error);
gboolean d2v_answer_text_features (D2vService *service,
                                   const D2vJsonValue *request, GString *out,
                                   GError **error);

gboolean d2v_answer_tags (D2vService *service, const D2vJsonValue *request,
                          GString *out, GError **error);
gboolean d2v_answer_question (D2vService *service, const D2vJsonValue *request,
                              GString *out, GError **error);
gboolean d2v_answer_fill (D2vService *service, const D2vJsonValue *request,
                          GString *out, GError **error);
gboolean d2v_answer_continuation (D2vService *service,
                                  const D2vJsonValue *request, GString *out,
                                  GError **error);
gboolean d2v_answer_choice (D2vService *service, const D2vJsonValue *request,
                            GString *out, GError **error);

/* ------------------------------------------------------------- reading -- */

/* Fails with USAGE for a key that is not in the NULL-ended @known. */
gboolean d2v_request_check_keys (const D2vJsonValue *request,
                                 const gchar *const *known, GError **error);

/* Each leaves *out as it is when the key is absent or null, and fails with
 * USAGE for a value of another type or beyond the limits. */
gboolean d2v_request_flag (const D2vJsonValue *request, const gchar *key,
                           gboolean *out, GError **error);
gboolean d2v_request_size (const D2vJsonValue *request, const gchar *key,
                           gsize min, gsize max, gsize *out, GError **error);
gboolean d2v_request_number (const D2vJsonValue *request, const gchar *key,
                             gdouble *out, GError **error);
/* Borrowed, without NUL. */
gboolean d2v_request_string (const D2vJsonValue *request, const gchar *key,
                             const gchar **out, GError **error);
/* The index of a string in the NULL-ended @names. */
gboolean d2v_request_choice (const D2vJsonValue *request, const gchar *key,
                             const gchar *const *names, guint *out,
                             GError **error);
/* The same, but true and false are values, too: @when_true and 0. */
gboolean d2v_request_flag_or_choice (const D2vJsonValue *request,
                                     const gchar *key,
                                     const gchar *const *names, guint when_true,
                                     guint *out, GError **error);
/* `truncation` in all its spellings. */
gboolean d2v_request_truncation (const D2vJsonValue *request,
                                 D2vTruncation *out, GError **error);
/* A string that may hold NUL, borrowed; out->text stays NULL if absent. */
gboolean d2v_request_text (const D2vJsonValue *request, const gchar *key,
                           D2vString *out, GError **error);
/* An array of such strings, or one alone as an array of one when @single is
 * not NULL, which says so. *out: free with g_free(), NULL if absent. */
gboolean d2v_request_texts (const D2vJsonValue *request, const gchar *key,
                            D2vString **out, gsize *n, gboolean *single,
                            GError **error);
/* An array of integers; *out: free with g_free(), NULL if absent. */
gboolean d2v_request_integers (const D2vJsonValue *request, const gchar *key,
                               gint64 min, gint64 max, gint64 **out, gsize *n,
                               GError **error);
/* USAGE: @key is missing. Always FALSE. */
gboolean d2v_request_missing (const gchar *key, GError **error);
/* @value must be a string without NUL that @key holds: a path. */
const gchar *d2v_request_path (const D2vJsonValue *value, const gchar *key,
                               GError **error);
/* The sound file @path, which must have @rate samples a second, all finite. */
D2vWav *d2v_request_wav (const gchar *path, guint rate, GError **error);
/* `top_k`: absent @fallback, null all of them. */
gboolean d2v_request_top_k (const D2vJsonValue *request, gsize fallback,
                            gsize *out, GError **error);
/* `input`; NULL with USAGE when it is missing. */
const D2vJsonValue *d2v_request_input (const D2vJsonValue *request,
                                       GError **error);
/* `top_k` and `function_to_apply`. */
gboolean d2v_request_classify (const D2vJsonValue *request,
                               D2vClassifyParams *params, GError **error);
/* Puts @file before the reason of @error, where it names none. */
void d2v_request_name_file (GError **error, const gchar *file);

/* ------------------------------------------------------------- writing -- */

/* `,` unless @out ends with an opening bracket or a colon. */
void d2v_answer_comma (GString *out);
/* `"key":`, after a comma where one is needed. */
void d2v_answer_key (GString *out, const gchar *key);
void d2v_answer_size (GString *out, const gchar *key, gsize value);
void d2v_answer_score (GString *out, const gchar *key, gfloat value);
void d2v_answer_string (GString *out, const gchar *key, const gchar *value,
                        gssize length);
/* [{label, score}] */
void d2v_answer_classes (GString *out, const D2vClasses *classes);
/* @tensor, F32, as nested arrays. */
void d2v_answer_tensor (GString *out, const D2vTensor *tensor);
