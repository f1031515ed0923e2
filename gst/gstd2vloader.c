/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vloader.h"

GST_DEBUG_CATEGORY_STATIC (d2v_loader_debug);
#define GST_CAT_DEFAULT d2v_loader_debug

/* What the elements' caps promise; audioresample does the rest. */
#define SAMPLING_RATE 16000

struct _GstD2vLoader
{
  GstElement *owner; /* not referenced: the owner frees us */
  const GstD2vLoaderClass *klass;
  GThread *thread;

  GMutex lock; /* guards what follows */
  GCond cond;
  GstD2vSettings wanted;
  guint requested; /* counts requests ... */
  guint answered;  /* ... and the last one that was finished */
  gboolean stopping;
  gboolean interrupted;
  GCancellable *cancellable; /* of the request in work */
  D2vSession *session;
  guint listening; /* what names us to the session */
  gchar *model;    /* as it was asked for: the session's */
  guint serial;
  GError *error; /* why there is no session */
};

GstD2vLoader *
gst_d2v_loader_new (GstElement *owner, const GstD2vLoaderClass *klass)
{
  static gsize once;
  GstD2vLoader *loader = g_new0 (GstD2vLoader, 1);

  if (g_once_init_enter (&once))
    {
      GST_DEBUG_CATEGORY_INIT (d2v_loader_debug, "d2vengine", 0,
                               "loading of models");
      g_once_init_leave (&once, 1);
    }
  loader->owner = owner;
  loader->klass = klass;
  g_mutex_init (&loader->lock);
  g_cond_init (&loader->cond);
  return loader;
}

void
gst_d2v_loader_free (GstD2vLoader *loader)
{
  gst_d2v_loader_stop (loader);
  gst_d2v_settings_clear (&loader->wanted);
  g_mutex_clear (&loader->lock);
  g_cond_clear (&loader->cond);
  g_free (loader);
}

/* ------------------------------------------------------------ opening -- */

/* The model's kind is said before its weights are read: a wrong head should
 * cost nothing, and the answer names the element to take instead. */
static gboolean
check_kind (GstD2vLoader *loader, D2vModel *model, GError **error)
{
  D2vModality modality = d2v_model_modality (model);
  D2vHead head = d2v_model_head (model);
  const gchar *element;

  if (modality == loader->klass->modality && head == loader->klass->head)
    return TRUE;
  element = d2v_head_element (modality, head);
  g_set_error (error, D2V_ERROR, D2V_ERROR_ARCH_HEAD,
               "ARCH_HEAD, %s, expected a model %s, found %s, which %s",
               d2v_model_path (model), d2v_head_name (loader->klass->head),
               d2v_head_name (head),
               element ? element : "no element of this plugin runs");
  return FALSE;
}

static gboolean
check_rate (D2vModel *model, GError **error)
{
  guint rate = d2v_model_sampling_rate (model);

  if (d2v_model_modality (model) != D2V_MODALITY_AUDIO || rate == SAMPLING_RATE)
    return TRUE;
  g_set_error (error, D2V_ERROR, D2V_ERROR_UNSUPPORTED,
               "UNSUPPORTED, %s, expected a model of %u Hz, found %u Hz",
               d2v_model_path (model), SAMPLING_RATE, rate);
  return FALSE;
}

static D2vModel *
open_model (GstD2vLoader *loader, const GstD2vSettings *settings,
            gboolean no_weights, GCancellable *cancellable, GError **error)
{
  D2vModelParams params = { .no_weights = no_weights,
                            .unshared = !settings->share_model,
                            .cancellable = cancellable };
  g_autoptr (D2vModel) model = NULL;

  if (!settings->model || !*settings->model)
    {
      g_set_error_literal (error, D2V_ERROR, D2V_ERROR_NOT_FOUND,
                           "NOT_FOUND, -, expected the property model to name "
                           "a model directory, found nothing");
      return NULL;
    }
  model = d2v_model_open (settings->model, &params, error);
  if (!model || !check_kind (loader, model, error)
      || !check_rate (model, error))
    return NULL;
  return g_steal_pointer (&model);
}

gboolean
gst_d2v_loader_check (GstD2vLoader *loader, const GstD2vSettings *settings,
                      GError **error)
{
  g_autoptr (D2vModel) model = open_model (loader, settings, TRUE, NULL, error);

  return model != NULL;
}

static D2vSession *
open_session (GstD2vLoader *loader, const GstD2vSettings *settings,
              GCancellable *cancellable, GError **error)
{
  /* The cheap pass first, so that a model of the wrong kind is refused before
   * its weights are read. */
  g_autoptr (D2vModel) described
      = open_model (loader, settings, TRUE, NULL, error);
  g_autoptr (D2vModel) model = NULL;
  D2vSessionParams params = { .device = settings->device,
                              .precision = settings->precision,
                              .n_threads = settings->n_threads,
                              .unshared = !settings->share_model,
                              .instance = settings->instance,
                              .cancellable = cancellable };

  if (!described)
    return NULL;
  model = open_model (loader, settings, FALSE, cancellable, error);
  if (!model)
    return NULL;
  return d2v_session_new (model, &params, error);
}

/* ------------------------------------------------------------- thread -- */

static void
say (GstD2vLoader *loader, GstProgressType type, const gchar *format,
     const gchar *what)
{
  g_autofree gchar *text = g_strdup_printf (format, what);

  GST_INFO_OBJECT (loader->owner, "%s", text);
  gst_d2v_post_progress (loader->owner, type, "loading", text);
}

/* The device failed, or works again: on the session's thread. */
static void
take_notice (const gchar *message, gpointer data)
{
  GstD2vLoader *loader = data;

  GST_ELEMENT_WARNING (loader->owner, RESOURCE, FAILED, ("%s", message),
                       (NULL));
}

/* Waits for a notice under way: called without the lock. */
static void
let_go (D2vSession *session, guint listening)
{
  if (!session)
    return;
  d2v_session_remove_notify (session, listening);
  d2v_session_unref (session);
}

static gboolean
warm_up (GstD2vLoader *loader, D2vSession *session, GCancellable *cancellable,
         GError **error)
{
  if (!loader->klass->warm_up)
    return TRUE;
  gst_d2v_post_progress (loader->owner, GST_PROGRESS_TYPE_CONTINUE, "loading",
                         "Warming up");
  return loader->klass->warm_up (loader->owner, session, cancellable, error);
}

/* @listening: what names us to the session, which is listened to from the
 * beginning: its device may fail already while it is made warm. */
static D2vSession *
load (GstD2vLoader *loader, const GstD2vSettings *settings,
      GCancellable *cancellable, guint *listening, GError **error)
{
  D2vSession *session;

  say (loader, GST_PROGRESS_TYPE_START, "Loading the model %s",
       settings->model ? settings->model : "(none)");
  session = open_session (loader, settings, cancellable, error);
  if (!session)
    return NULL;
  *listening = d2v_session_add_notify (session, take_notice, loader);
  if (warm_up (loader, session, cancellable, error))
    return session;
  let_go (session, *listening);
  return NULL;
}

/* A first model that cannot be loaded ends the stream; a later one leaves the
 * old one in place. */
static void
report (GstD2vLoader *loader, const GstD2vSettings *settings,
        D2vSession *session, const gchar *old, const GError *error)
{
  if (session)
    {
      loader->klass->loaded (loader->owner, session);
      say (loader, GST_PROGRESS_TYPE_COMPLETE, "The model runs on %s",
           d2v_session_device_name (session));
      return;
    }
  if (g_error_matches (error, D2V_ERROR, D2V_ERROR_CANCELLED))
    {
      say (loader, GST_PROGRESS_TYPE_CANCELED, "Loading was given up%s", "");
      return;
    }
  say (loader, GST_PROGRESS_TYPE_ERROR, "%s", error->message);
  if (old)
    {
      gst_d2v_post_warning (loader->owner,
                            "The new model cannot be loaded, the old one "
                            "stays",
                            error);
      loader->klass->kept (loader->owner, old);
    }
  else
    gst_d2v_post_error (loader->owner, "The model cannot be loaded", error);
}

/* Puts @session in place of the old one, which is returned; @listening becomes
 * what named us to that. Called with the lock held. */
static D2vSession *
replace_session (GstD2vLoader *loader, D2vSession *session, guint *listening,
                 const gchar *model)
{
  D2vSession *old = loader->session;
  guint old_listening = loader->listening;

  loader->session = d2v_session_ref (session);
  loader->listening = *listening;
  *listening = old_listening;
  g_free (loader->model);
  loader->model = g_strdup (model);
  loader->serial++;
  return old;
}

/* Called with the lock held; returns with it held. */
static void
answer (GstD2vLoader *loader)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree gchar *old = NULL;
  D2vSession *session, *leaving = NULL;
  guint listening = 0;
  GstD2vSettings settings;
  guint request = loader->requested;

  gst_d2v_settings_copy (&loader->wanted, &settings);
  loader->cancellable = cancellable;
  g_mutex_unlock (&loader->lock);

  session = load (loader, &settings, cancellable, &listening, &error);
  if (!session && !error)
    g_set_error_literal (&error, D2V_ERROR, D2V_ERROR_FAILED,
                         "FAILED, -, no session");

  g_mutex_lock (&loader->lock);
  loader->cancellable = NULL;
  loader->answered = request;
  old = g_strdup (loader->model);
  if (g_cancellable_is_cancelled (cancellable))
    {
      leaving = g_steal_pointer (&session);
      g_clear_error (&error);
      g_set_error_literal (&error, D2V_ERROR, D2V_ERROR_CANCELLED,
                           "CANCELLED, -, loading was given up");
    }
  if (session)
    leaving = replace_session (loader, session, &listening, settings.model);
  g_mutex_unlock (&loader->lock);

  let_go (leaving, listening);
  report (loader, &settings, session, old, error);
  g_clear_pointer (&session, d2v_session_unref);
  gst_d2v_settings_clear (&settings);

  /* An error is posted before waiters hear of it, so that the cause reaches
   * the bus ahead of what follows from it. */
  g_mutex_lock (&loader->lock);
  if (error && !old && loader->requested == request)
    {
      g_clear_error (&loader->error);
      loader->error = g_steal_pointer (&error);
    }
  g_cond_broadcast (&loader->cond);
}

static gpointer
run (gpointer data)
{
  GstD2vLoader *loader = data;

  g_mutex_lock (&loader->lock);
  while (!loader->stopping)
    if (loader->answered != loader->requested)
      answer (loader);
    else
      g_cond_wait (&loader->cond, &loader->lock);
  g_mutex_unlock (&loader->lock);
  return NULL;
}

/* Called with the lock held. */
static void
request (GstD2vLoader *loader, const GstD2vSettings *settings)
{
  gst_d2v_settings_clear (&loader->wanted);
  gst_d2v_settings_copy (settings, &loader->wanted);
  g_clear_error (&loader->error);
  loader->requested++;
  if (loader->cancellable)
    g_cancellable_cancel (loader->cancellable);
  g_cond_broadcast (&loader->cond);
}

gboolean
gst_d2v_loader_start (GstD2vLoader *loader, const GstD2vSettings *settings,
                      GError **error)
{
  gst_d2v_loader_stop (loader);
  g_mutex_lock (&loader->lock);
  loader->stopping = FALSE;
  request (loader, settings);
  g_mutex_unlock (&loader->lock);
  loader->thread = g_thread_try_new ("d2v-loader", run, loader, error);
  return loader->thread != NULL;
}

void
gst_d2v_loader_reload (GstD2vLoader *loader, const GstD2vSettings *settings)
{
  g_mutex_lock (&loader->lock);
  if (!loader->stopping && loader->requested > 0)
    request (loader, settings);
  g_mutex_unlock (&loader->lock);
}

void
gst_d2v_loader_stop (GstD2vLoader *loader)
{
  D2vSession *session;

  g_mutex_lock (&loader->lock);
  loader->stopping = TRUE;
  if (loader->cancellable)
    g_cancellable_cancel (loader->cancellable);
  g_cond_broadcast (&loader->cond);
  g_mutex_unlock (&loader->lock);

  if (loader->thread)
    g_thread_join (g_steal_pointer (&loader->thread));
  g_mutex_lock (&loader->lock); /* for those who peek */
  session = g_steal_pointer (&loader->session);
  g_clear_pointer (&loader->model, g_free);
  g_clear_error (&loader->error);
  loader->requested = loader->answered = 0;
  g_mutex_unlock (&loader->lock);
  let_go (session, loader->listening);
}

/* ------------------------------------------------------------ waiting -- */

D2vSession *
gst_d2v_loader_wait (GstD2vLoader *loader, guint *serial, GError **error)
{
  D2vSession *session = NULL;

  g_mutex_lock (&loader->lock);
  while (!loader->session && !loader->error && !loader->stopping
         && !loader->interrupted)
    g_cond_wait (&loader->cond, &loader->lock);
  if (loader->interrupted || loader->stopping)
    g_set_error_literal (error, D2V_ERROR, D2V_ERROR_CANCELLED,
                         "CANCELLED, -, flushing");
  else if (loader->error)
    g_propagate_error (error, g_error_copy (loader->error));
  else
    session = d2v_session_ref (loader->session);
  *serial = loader->serial;
  g_mutex_unlock (&loader->lock);
  return session;
}

D2vSession *
gst_d2v_loader_peek (GstD2vLoader *loader)
{
  D2vSession *session = NULL;

  g_mutex_lock (&loader->lock);
  if (loader->session)
    session = d2v_session_ref (loader->session);
  g_mutex_unlock (&loader->lock);
  return session;
}

void
gst_d2v_loader_interrupt (GstD2vLoader *loader, gboolean interrupt)
{
  g_mutex_lock (&loader->lock);
  loader->interrupted = interrupt;
  g_cond_broadcast (&loader->cond);
  g_mutex_unlock (&loader->lock);
}
