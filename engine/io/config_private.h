/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config_private.h: reading keys one after another; the first error stays,
 * later reads do nothing, and d2v_config_parse() reports it. */
#pragma once

#include "engine/io/config.h"
#include "engine/io/json.h"

typedef struct
{
  const D2vJson *json;
  const D2vJsonValue *root;
  D2vConfig *config;
  GError *error;
} D2vConfigReader;

/* Each leaves *out, which holds the default, when the key is absent. @used:
 * FALSE for a key that this class does not use; a value out of range is then
 * passed over. */
void d2v_read_size (D2vConfigReader *reader, gboolean used, const gchar *key,
                    gsize min, gsize max, gsize *out);
void d2v_read_bool (D2vConfigReader *reader, const gchar *key, gboolean *out);
void d2v_read_number (D2vConfigReader *reader, const gchar *key, gdouble min,
                      gdouble max, gdouble *out);
void d2v_read_sizes (D2vConfigReader *reader, gboolean used, const gchar *key,
                     gsize min, gsize max, gsize max_length, gsize *out,
                     gsize *length);
/* A token id: any integer, or something else that no class here reads. */
void d2v_read_id (D2vConfigReader *reader, const gchar *key, gint64 *out);
/* The name of an activation. */
void d2v_read_activation (D2vConfigReader *reader, const gchar *key,
                          D2vActivation *out);
/* One of @n names; *out becomes its place. */
void d2v_read_choice (D2vConfigReader *reader, gboolean used, const gchar *key,
                      const gchar *const *names, guint n, guint *out);

/* CONFIG_RANGE unless @holds: for what two keys must agree on. */
void d2v_require (D2vConfigReader *reader, gboolean holds, const gchar *format,
                  ...) G_GNUC_PRINTF (3, 4);

void d2v_config_read_audio (D2vConfigReader *reader);
void d2v_config_read_text (D2vConfigReader *reader);
void d2v_config_read_vision (D2vConfigReader *reader);
void d2v_config_read_labels (D2vConfigReader *reader);
/* Chooses the class: @asked, else what `architectures` says. */
void d2v_config_read_head (D2vConfigReader *reader, const gchar *asked);
