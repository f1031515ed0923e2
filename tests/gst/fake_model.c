/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/gst/fake_engine.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

G_DEFINE_QUARK (d2v - error - quark, d2v_error)

gboolean
fake_fail (GError **error, D2vErrorCode code, const gchar *file,
           const gchar *reason)
{
  g_set_error (error, D2V_ERROR, code, "%s, %s, %s",
               code == D2V_ERROR_CANCELLED   ? "CANCELLED"
               : code == D2V_ERROR_NOT_FOUND ? "NOT_FOUND"
                                             : "FAILED",
               file, reason);
  return FALSE;
}

gboolean
fake_sleep (guint ms, GCancellable *cancellable)
{
  gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until)
    {
      if (g_cancellable_is_cancelled (cancellable))
        return FALSE;
      g_usleep (MIN (2000, MAX (until - g_get_monotonic_time (), 0)));
    }
  return !g_cancellable_is_cancelled (cancellable);
}

/* -------------------------------------------------------------- heads -- */

static const gchar *head_names[D2V_N_HEADS] = { "Model",
                                                "ForCTC",
                                                "ForAudioFrameClassification",
                                                "ForSequenceClassification",
                                                "ForXVector",
                                                "ForMaskedLM",
                                                "ForCausalLM",
                                                "ForTokenClassification",
                                                "ForQuestionAnswering",
                                                "ForMultipleChoice",
                                                "ForImageClassification",
                                                "ForSemanticSegmentation" };

const gchar *
d2v_head_name (D2vHead head)
{
  return head_names[head];
}

gboolean
d2v_head_from_name (const gchar *name, D2vHead *head)
{
  for (guint i = 0; i < D2V_N_HEADS; i++)
    if (strcmp (name, head_names[i]) == 0)
      {
        *head = i;
        return TRUE;
      }
  return FALSE;
}

const gchar *
d2v_head_element (D2vModality modality, D2vHead head)
{
  if (modality == D2V_MODALITY_AUDIO && head == D2V_HEAD_CTC)
    return "d2vtranscriber";
  return head == D2V_HEAD_IMAGE_CLASSIFICATION ? "d2vimageclassifier" : NULL;
}

/* -------------------------------------------------------------- model -- */

struct _D2vModel
{
  gint n_refs;
  gchar *path;
  gboolean has_weights;
  FakeConfig config;
};

G_DEFINE_BOXED_TYPE (D2vModel, d2v_model, d2v_model_ref, d2v_model_unref)

static void
take_setting (FakeConfig *config, const gchar *key, const gchar *value)
{
  guint number = (guint) g_ascii_strtoull (value, NULL, 10);

  if (g_str_equal (key, "frame"))
    config->frame = number;
  else if (g_str_equal (key, "rate"))
    config->rate = number;
  else if (g_str_equal (key, "load_ms"))
    config->load_ms = number;
  else if (g_str_equal (key, "session_ms"))
    config->session_ms = number;
  else if (g_str_equal (key, "window_ms"))
    config->window_ms = number;
  else if (g_str_equal (key, "slow_after"))
    config->slow_after = number;
  else if (g_str_equal (key, "fail_at"))
    config->fail_at = (gint) number;
  else if (g_str_equal (key, "lost_at"))
    config->lost_at = (gint) number;
  else if (g_str_equal (key, "head"))
    d2v_head_from_name (value, &config->head);
  else if (g_str_equal (key, "vision"))
    config->modality = D2V_MODALITY_VISION;
}

static gboolean
read_config (D2vModel *model, GError **error)
{
  g_autofree gchar *path = g_build_filename (model->path, "fake.conf", NULL);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return fake_fail (error, D2V_ERROR_NOT_FOUND, path, "no configuration");
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", 2);

      if (words[0] && words[1])
        take_setting (&model->config, words[0], words[1]);
    }
  return TRUE;
}

static gboolean
read_weights (D2vModel *model, GCancellable *cancellable, GError **error)
{
  g_autofree gchar *path = g_build_filename (model->path, "weights", NULL);
  struct stat info;

  if (stat (path, &info) != 0)
    return fake_fail (error, D2V_ERROR_NOT_FOUND, path, "no weights");
  if (!S_ISREG (info.st_mode))
    return fake_fail (error, D2V_ERROR_NOT_A_FILE, path, "not a file");
  if (!g_file_get_contents (path, &model->config.prefix, NULL, NULL))
    return fake_fail (error, D2V_ERROR_READ, path, "unreadable");
  g_strchomp (model->config.prefix);
  if (!*model->config.prefix)
    return fake_fail (error, D2V_ERROR_ST_TOO_SMALL, path, "empty");
  if (!fake_sleep (model->config.load_ms, cancellable))
    return fake_fail (error, D2V_ERROR_CANCELLED, path, "cancelled");
  model->has_weights = TRUE;
  return TRUE;
}

D2vModel *
d2v_model_open (const gchar *path, const D2vModelParams *params, GError **error)
{
  g_autoptr (D2vModel) model = g_new0 (D2vModel, 1);
  struct stat info;

  model->n_refs = 1;
  model->path = g_strdup (path);
  model->config = (FakeConfig){ .frame = 320,
                                .rate = 16000,
                                .head = D2V_HEAD_CTC,
                                .modality = D2V_MODALITY_AUDIO,
                                .fail_at = -1,
                                .lost_at = -1 };
  if (stat (path, &info) != 0)
    {
      fake_fail (error, D2V_ERROR_NOT_FOUND, path, "no such directory");
      return NULL;
    }
  if (!S_ISDIR (info.st_mode))
    {
      fake_fail (error, D2V_ERROR_NOT_A_FILE, path, "not a directory");
      return NULL;
    }
  if (!read_config (model, error)
      || (!params->no_weights
          && !read_weights (model, params->cancellable, error)))
    return NULL;
  return g_steal_pointer (&model);
}

D2vModel *
d2v_model_ref (D2vModel *model)
{
  g_atomic_int_inc (&model->n_refs);
  return model;
}

void
d2v_model_unref (D2vModel *model)
{
  if (!g_atomic_int_dec_and_test (&model->n_refs))
    return;
  g_free (model->path);
  g_free (model->config.prefix);
  g_free (model);
}

const gchar *
d2v_model_path (const D2vModel *model)
{
  return model->path;
}

D2vModality
d2v_model_modality (const D2vModel *model)
{
  return model->config.modality;
}

D2vHead
d2v_model_head (const D2vModel *model)
{
  return model->config.head;
}

guint
d2v_model_sampling_rate (const D2vModel *model)
{
  return model->config.modality == D2V_MODALITY_AUDIO ? model->config.rate : 0;
}

/* ------------------------------------------------------------ session -- */

struct _D2vSession
{
  gint n_refs;
  D2vModel *model;
  GMutex lock; /* guards stats */
  D2vSessionStats stats;
  GMutex notify_lock; /* guards what follows */
  GArray *listeners;  /* of Listener */
  guint n_listeners;  /* that ever were */
};

typedef struct
{
  guint id;
  D2vSessionNotify notify;
  gpointer data;
} Listener;

G_DEFINE_BOXED_TYPE (D2vSession, d2v_session, d2v_session_ref,
                     d2v_session_unref)

D2vSession *
d2v_session_new (D2vModel *model, const D2vSessionParams *params,
                 GError **error)
{
  D2vSession *session;

  if (params->device && !g_str_equal (params->device, "auto")
      && !g_str_equal (params->device, "cpu"))
    {
      fake_fail (error, D2V_ERROR_DEVICE, params->device, "no such device");
      return NULL;
    }
  if (params->precision != D2V_PRECISION_AUTO
      && params->precision != D2V_PRECISION_F32)
    {
      fake_fail (error, D2V_ERROR_UNSUPPORTED, "-", "no such precision");
      return NULL;
    }
  if (!fake_sleep (model->config.session_ms, params->cancellable))
    {
      fake_fail (error, D2V_ERROR_CANCELLED, "-", "cancelled");
      return NULL;
    }
  session = g_new0 (D2vSession, 1);
  session->n_refs = 1;
  session->model = d2v_model_ref (model);
  session->stats.weight_bytes = strlen (model->config.prefix);
  g_mutex_init (&session->lock);
  g_mutex_init (&session->notify_lock);
  session->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  return session;
}

D2vSession *
d2v_session_ref (D2vSession *session)
{
  g_atomic_int_inc (&session->n_refs);
  return session;
}

void
d2v_session_unref (D2vSession *session)
{
  if (!g_atomic_int_dec_and_test (&session->n_refs))
    return;
  g_assert_cmpuint (session->listeners->len, ==, 0);
  g_array_unref (session->listeners);
  d2v_model_unref (session->model);
  g_mutex_clear (&session->notify_lock);
  g_mutex_clear (&session->lock);
  g_free (session);
}

guint
d2v_session_add_notify (D2vSession *session, D2vSessionNotify notify,
                        gpointer data)
{
  Listener one = { 0, notify, data };

  g_mutex_lock (&session->notify_lock);
  one.id = ++session->n_listeners;
  g_array_append_val (session->listeners, one);
  g_mutex_unlock (&session->notify_lock);
  return one.id;
}

void
d2v_session_remove_notify (D2vSession *session, guint id)
{
  g_mutex_lock (&session->notify_lock);
  for (guint i = session->listeners->len; i-- > 0;)
    if (g_array_index (session->listeners, Listener, i).id == id)
      g_array_remove_index (session->listeners, i);
  g_mutex_unlock (&session->notify_lock);
}

void
fake_session_tell (D2vSession *session, const gchar *message)
{
  g_mutex_lock (&session->lock);
  session->stats.n_fallbacks++;
  g_mutex_unlock (&session->lock);
  g_mutex_lock (&session->notify_lock);
  for (guint i = 0; i < session->listeners->len; i++)
    {
      Listener *one = &g_array_index (session->listeners, Listener, i);

      one->notify (message, one->data);
    }
  g_mutex_unlock (&session->notify_lock);
}

D2vModel *
d2v_session_model (const D2vSession *session)
{
  return session->model;
}

const gchar *
d2v_session_device_name (const D2vSession *session)
{
  return "cpu: a fake";
}

guint
d2v_session_n_threads (const D2vSession *session)
{
  return 1;
}

void
d2v_session_stats (D2vSession *session, D2vSessionStats *stats)
{
  g_mutex_lock (&session->lock);
  *stats = session->stats;
  g_mutex_unlock (&session->lock);
}

void
fake_session_count_run (D2vSession *session, gdouble seconds)
{
  g_mutex_lock (&session->lock);
  session->stats.n_runs++;
  session->stats.compute_seconds += seconds;
  g_mutex_unlock (&session->lock);
}

const FakeConfig *
fake_session_config (const D2vSession *session)
{
  return &session->model->config;
}
