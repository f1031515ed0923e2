/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* backend.h: what runs plans. A backend is a struct of functions; the CPU's
 * and Vulkan's never see each other. */
#pragma once

#include "engine/graph/plan.h"

/* What one plan may have beside weights: more is refused before any of it is
 * allocated. In bytes, once for what all threads share and once for what is
 * each thread's. */
#define D2V_MAX_ACTIVATIONS ((gsize) 4 << 30)

typedef struct _D2vBackend D2vBackend;
typedef struct _D2vPrepared D2vPrepared;

/* What a run is on its device; zeros from a backend that does not count. */
typedef struct
{
  guint n_dispatches, n_barriers;
  /* Both NULL, or D2V_N_OPS each: the device's time by op and what took it. To
   * read its clock keeps dispatches apart that otherwise overlap. */
  gdouble *op_seconds;
  guint *op_dispatches;
} D2vRunProfile;

/* One run's data. Inputs and outputs are in the order of the plan's graph;
 * inputs are packed arrays of the declared type and shape. */
typedef struct
{
  const gconstpointer *inputs;
  gpointer const *outputs;
  const volatile gint *cancelled; /* looked at between ops; may be NULL */
  D2vRunProfile *profile;         /* to be filled in; may be NULL */
} D2vRun;

typedef struct
{
  /* Makes ready to run @plan: packs the weights that it needs and has not
   * packed before, places the arena. Takes over @plan also when it fails.
   * Fails with UNSUPPORTED naming an op that it lacks. */
  D2vPrepared *(*prepare) (D2vBackend *backend, D2vPlan *plan, GError **error);
  /* Runs it. Allocates nothing. Called from one thread at a time. */
  gboolean (*run) (D2vBackend *backend, D2vPrepared *prepared,
                   const D2vRun *run, GError **error);
  /* Zeroes the plan's state values. May be NULL. */
  void (*reset) (D2vBackend *backend, D2vPrepared *prepared);
  void (*free_prepared) (D2vBackend *backend, D2vPrepared *prepared);
  void (*free) (D2vBackend *backend);
} D2vBackendFunctions;

struct _D2vBackend
{
  const D2vBackendFunctions *functions;
  D2vFusions fusions; /* what its kernels can take along */
  gchar *device_name; /* owned */
  guint n_threads;
  gdouble tolerance; /* results may be so far from the CPU's, as a share of the
                        largest number; more means a broken driver */

  /* Told in words when something happens to the device; may be NULL. On the
   * thread that runs plans. */
  void (*notify) (gpointer data, const gchar *message);
  gpointer notify_data;
  guint n_fallbacks; /* runs that the CPU did in its place; atomic */
  /* Made while running plans by threads other than the one that runs them;
   * atomic, and for the test that there are none. */
  guint n_allocations;
};
