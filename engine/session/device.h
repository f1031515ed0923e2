/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* device.h: from a `device` string to a backend. */
#pragma once

#include "engine/graph/backend.h"

/* What @device means here: "cpu", or a Vulkan device's canonical name. NULL
 * stands for "auto". Fails with DEVICE listing what there is. */
gchar *d2v_device_resolve (const gchar *device, GError **error);
/* @device: as d2v_device_resolve() gives it. */
D2vBackend *d2v_device_open (const gchar *device, D2vPrecision precision,
                             guint n_threads, GError **error);
