/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gstd2vloader.h: opens models on a thread of its own, so that neither a state
 * change nor a property waits for it, and swaps them while a stream plays. */
#pragma once

#include "gst/gstd2vsettings.h"

G_BEGIN_DECLS

typedef struct _GstD2vLoader GstD2vLoader;

/* What an element wants from a model, and what it does around loading. All
 * run on the loader's thread, without locks. */
typedef struct
{
  D2vModality modality;
  D2vHead head;
  /* Called with each new session before it is used; may be NULL. FALSE when it
   * does not work. Returns soon when cancelled. */
  gboolean (*warm_up) (GstElement *owner, D2vSession *session,
                       GCancellable *cancellable, GError **error);
  /* Called after a session was put in place. */
  void (*loaded) (GstElement *owner, D2vSession *session);
  /* Called when a swap failed; @model is the path that stays in use. */
  void (*kept) (GstElement *owner, const gchar *model);
} GstD2vLoaderClass;

/* @owner: not referenced; it must free the loader. @klass must outlive it. */
GstD2vLoader *gst_d2v_loader_new (GstElement *owner,
                                  const GstD2vLoaderClass *klass);
void gst_d2v_loader_free (GstD2vLoader *loader);

/* Reads only what is cheap to read: is there a model of the right kind? */
gboolean gst_d2v_loader_check (GstD2vLoader *loader,
                               const GstD2vSettings *settings, GError **error);

/* Starts the thread with a first model; fails when the system gives no
 * thread. */
gboolean gst_d2v_loader_start (GstD2vLoader *loader,
                               const GstD2vSettings *settings, GError **error);
/* Another model, while started; nothing otherwise. A request that is still
 * being worked on is given up. Never waits. */
void gst_d2v_loader_reload (GstD2vLoader *loader,
                            const GstD2vSettings *settings);
/* Gives up what is being loaded, ends the thread, drops the session. */
void gst_d2v_loader_stop (GstD2vLoader *loader);

/* The session in use; waits for the first one. NULL with CANCELLED when
 * stopped or interrupted, or with why it could not be loaded (which was
 * posted already). @serial changes whenever the session does. Unref it. */
D2vSession *gst_d2v_loader_wait (GstD2vLoader *loader, guint *serial,
                                 GError **error);
/* The same without waiting; NULL when there is none. */
D2vSession *gst_d2v_loader_peek (GstD2vLoader *loader);

/* While TRUE, waiting fails at once. */
void gst_d2v_loader_interrupt (GstD2vLoader *loader, gboolean interrupt);

G_END_DECLS
