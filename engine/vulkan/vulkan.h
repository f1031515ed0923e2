/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vulkan.h: the Vulkan backend as the session sees it.
 *
 * The loader is opened at run time, so everything here works, and says why it
 * has nothing to offer, on a machine without a loader, a driver or a device.
 * A build without Vulkan headers or a shader compiler has the same functions;
 * they say so. Any thread. */
#pragma once

#include "engine/graph/backend.h"

/* Adds every device found to @devices (of D2vDevice, freed by the array's own
 * function). One entry that is not usable says why when there is none. */
void d2v_vulkan_list (GPtrArray *devices);

/* The canonical name, "vulkan:" and the device's UUID, of
 *   "auto"           the best usable hardware; a software driver never,
 *   "vulkan"         the best usable device, software last,
 *   "vulkan:N"       by index in the list,
 *   "vulkan:TEXT"    by UUID, PCI address, or part of the name.
 * NULL with DEVICE naming what there is. For "auto" @error may be NULL, and
 * where the system shows no GPU the loader is not even opened. */
gchar *d2v_vulkan_resolve (const gchar *device, GError **error);

/* @device: as d2v_vulkan_resolve() gives it. Makes a VkDevice of its own.
 * DEVICE when it cannot be had, UNSUPPORTED for a precision it lacks. */
D2vBackend *d2v_vulkan_backend_new (const gchar *device, D2vPrecision precision,
                                    GError **error);

/* TRUE when the last plan was refused because its weights did not go into the
 * device. @backend: one that d2v_vulkan_backend_new() made. */
gboolean d2v_vulkan_lacks_weights (const D2vBackend *backend);
/* TRUE once a device of this process has hung: then none is opened again. */
gboolean d2v_vulkan_has_hung (void);

/* Counts of one prepared plan's recording, and of what its runs did, for
 * tests. */
typedef struct
{
  guint n_dispatches;
  guint n_barriers;
  guint n_levels;        /* longest chain of dependent dispatches */
  guint n_halves;        /* values stored in 16 bits */
  guint64 n_submissions; /* of runs */
  guint64 n_allocations; /* of device memory, all so far */
  guint64 n_pipelines;   /* made, all so far */
  guint64 n_recordings;  /* command buffers recorded, all so far */
  gint64 host_us;        /* of the last run, outside waiting */
} D2vVulkanCounts;

/* @backend: one that d2v_vulkan_backend_new() made. */
void d2v_vulkan_counts (D2vBackend *backend, D2vPrepared *prepared,
                        D2vVulkanCounts *counts);
/* Pairs of dispatches that touch the same numbers, one of them writing, with no
 * barrier between, when barrier @without is left out; -1: none is. */
guint d2v_vulkan_races (const D2vPrepared *prepared, gint without);
