/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* encoder.h: a small encoder as the models record one, for tests. */
#pragma once

#include "engine/graph/backend.h"

#define ENCODER_WIDTH 32
#define ENCODER_HEADS 4
#define ENCODER_STEPS 21

/* x (1, ENCODER_STEPS, ENCODER_WIDTH) through @n_layers layers into y of the
 * same shape; the same weights each time. */
D2vGraph *encoder_new (guint n_layers);
/* The input of run @index, ENCODER_STEPS * ENCODER_WIDTH numbers. */
void encoder_input (guint index, gfloat *x);
#define ENCODER_N (ENCODER_STEPS * ENCODER_WIDTH)

/* Prepares it on @backend. */
D2vPrepared *encoder_prepare (D2vBackend *backend, guint n_layers,
                              GError **error);
/* Runs input @index; @y has ENCODER_N numbers. */
gboolean encoder_run (D2vBackend *backend, D2vPrepared *prepared, guint index,
                      gfloat *y, GError **error);
/* The same with state: one causal attention of CACHED_STEPS new steps after
 * those that its cache holds. */
#define CACHED_STEPS 3
#define CACHED_N (CACHED_STEPS * ENCODER_WIDTH)
D2vPrepared *cached_prepare (D2vBackend *backend, GError **error);
/* Runs steps @index * CACHED_STEPS...; @y has CACHED_N numbers. */
gboolean cached_run (D2vBackend *backend, D2vPrepared *prepared, guint index,
                     gfloat *y, GError **error);

/* Largest difference over the largest of @expected, of @n. */
gdouble encoder_error (const gfloat *found, const gfloat *expected, gsize n);

/* The device under test, D2V_TEST_DEVICE or the best Vulkan one; NULL with the
 * reason printed when there is none. */
gchar *test_device (void);
