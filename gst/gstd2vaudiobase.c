/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/gstd2vaudiobase_private.h"

GST_DEBUG_CATEGORY (gst_d2v_audio_base_debug);
#define GST_CAT_DEFAULT gst_d2v_audio_base_debug

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GstD2vAudioBase, gst_d2v_audio_base,
                                     GST_TYPE_ELEMENT)

#define PRIVATE(base) gst_d2v_audio_base_private (base)

GstD2vAudioBasePrivate *
gst_d2v_audio_base_private (GstD2vAudioBase *base)
{
  return gst_d2v_audio_base_get_instance_private (base);
}

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = (string) { F32LE, S16LE }, "
                     "rate = (int) 16000, channels = (int) 1, "
                     "layout = (string) interleaved"));

GstPad *
gst_d2v_audio_base_sink_pad (GstD2vAudioBase *base)
{
  return PRIVATE (base)->sinkpad;
}

const GstSegment *
gst_d2v_audio_base_segment (GstD2vAudioBase *base)
{
  return &PRIVATE (base)->segment;
}

gboolean
gst_d2v_audio_base_posts_messages (GstD2vAudioBase *base)
{
  gboolean post;

  GST_OBJECT_LOCK (base);
  post = PRIVATE (base)->settings.post_messages;
  GST_OBJECT_UNLOCK (base);
  return post;
}

/* ------------------------------------------------------------- states -- */

static void
copy_settings (GstD2vAudioBase *base, GstD2vSettings *copy)
{
  GST_OBJECT_LOCK (base);
  gst_d2v_settings_copy (&PRIVATE (base)->settings, copy);
  GST_OBJECT_UNLOCK (base);
}

/* An element without a model may become READY, as a source without a location
 * may; with one that cannot be, it should say so at once. */
static gboolean
check_model (GstD2vAudioBase *base)
{
  g_autoptr (GError) error = NULL;
  GstD2vSettings settings;
  gboolean good;

  copy_settings (base, &settings);
  good = !settings.model
         || gst_d2v_loader_check (PRIVATE (base)->loader, &settings, &error);
  gst_d2v_settings_clear (&settings);
  if (!good)
    gst_d2v_post_error (GST_ELEMENT (base), "The model cannot be used", error);
  return good;
}

static gboolean
start_loading (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  g_autoptr (GError) error = NULL;
  GstD2vSettings settings;
  gboolean started;

  copy_settings (base, &settings);
  if (!settings.model)
    {
      gst_d2v_settings_clear (&settings);
      GST_ELEMENT_ERROR (base, RESOURCE, NOT_FOUND, ("No model was set"),
                         ("set the property model to a model directory"));
      return FALSE;
    }
  gst_d2v_audio_base_forget (base);
  priv->has_caps = FALSE;
  priv->serial = 0;
  GST_OBJECT_LOCK (base);
  priv->regime_known = FALSE;
  priv->found_regime = D2V_REGIME_RECORDED;
  priv->budget = gst_d2v_audio_base_first_budget (base);
  priv->n_measured = 0;
  priv->max_delay_ms = 0;
  priv->n_corrupt = priv->n_resyncs = 0;
  GST_OBJECT_UNLOCK (base);
  gst_d2v_loader_interrupt (priv->loader, FALSE);
  started = gst_d2v_loader_start (priv->loader, &settings, &error);
  gst_d2v_settings_clear (&settings);
  if (!started)
    gst_d2v_post_error (GST_ELEMENT (base), "No thread to load a model", error);
  return started;
}

static void
stop (GstD2vAudioBase *base)
{
  gst_d2v_loader_stop (PRIVATE (base)->loader);
  GST_D2V_AUDIO_BASE_GET_CLASS (base)->stop (base);
  g_object_notify (G_OBJECT (base), "device-name");
}

static GstStateChangeReturn
gst_d2v_audio_base_change_state (GstElement *element, GstStateChange transition)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (element);
  GstStateChangeReturn ret;

  switch (transition)
    {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!check_model (base))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!start_loading (base))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      /* The pads wait for their threads: nobody may wait in here. */
      gst_d2v_loader_interrupt (PRIVATE (base)->loader, TRUE);
      GST_D2V_AUDIO_BASE_GET_CLASS (base)->interrupt (base);
      break;
    default:
      break;
    }
  ret = GST_ELEMENT_CLASS (gst_d2v_audio_base_parent_class)
            ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    stop (base);
  return ret;
}

/* ------------------------------------------------- the loader's thread -- */

static gboolean
warm_up (GstElement *element, D2vSession *session, GCancellable *cancellable,
         GError **error)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (element);
  GstD2vAudioBaseClass *klass = GST_D2V_AUDIO_BASE_GET_CLASS (base);

  return !klass->warm_up || klass->warm_up (base, session, cancellable, error);
}

static void
loaded (GstElement *element, D2vSession *session)
{
  g_object_notify (G_OBJECT (element), "device-name");
}

/* A property should say what is so. */
static void
kept (GstElement *element, const gchar *model)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (GST_D2V_AUDIO_BASE (element));

  GST_OBJECT_LOCK (element);
  g_free (priv->settings.model);
  priv->settings.model = g_strdup (model);
  GST_OBJECT_UNLOCK (element);
  g_object_notify (G_OBJECT (element), "model");
}

/* --------------------------------------------------------- properties -- */

/* A changed model is swapped in; before PAUSED it is only remembered. */
static void
model_changed (GstD2vAudioBase *base)
{
  GstD2vSettings settings;

  copy_settings (base, &settings);
  gst_d2v_loader_reload (PRIVATE (base)->loader, &settings);
  gst_d2v_settings_clear (&settings);
}

static void
budget_changed (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  GST_OBJECT_LOCK (base);
  priv->budget = gst_d2v_audio_base_first_budget (base);
  priv->n_measured = 0;
  GST_OBJECT_UNLOCK (base);
  gst_d2v_audio_base_latency_changed (base);
}

static void
gst_d2v_audio_base_set_property (GObject *object, guint id, const GValue *value,
                                 GParamSpec *pspec)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (gst_d2v_settings_set (&priv->settings, GST_OBJECT (base), id, value))
    {
      if (id == GST_D2V_PROP_MODEL)
        model_changed (base);
      if (id == GST_D2V_PROP_LATENCY)
        budget_changed (base);
      return;
    }
  GST_OBJECT_LOCK (base);
  switch (id)
    {
    case GST_D2V_AUDIO_PROP_REGIME:
      priv->regime = g_value_get_enum (value);
      break;
    case GST_D2V_AUDIO_PROP_ON_CORRUPT:
      priv->on_corrupt = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (base);
}

static gchar *
device_name (GstD2vAudioBase *base)
{
  g_autoptr (D2vSession) session = gst_d2v_loader_peek (PRIVATE (base)->loader);

  return session ? g_strdup (d2v_session_device_name (session)) : NULL;
}

static void
add_session_stats (GstD2vAudioBase *base, GstStructure *stats)
{
  g_autoptr (D2vSession) session = gst_d2v_loader_peek (PRIVATE (base)->loader);
  D2vSessionStats s = { 0 };

  if (session)
    d2v_session_stats (session, &s);
  gst_structure_set (
      stats, "model-weight-bytes", G_TYPE_UINT64, (guint64) s.weight_bytes,
      "model-arena-bytes", G_TYPE_UINT64, (guint64) s.arena_bytes, "model-runs",
      G_TYPE_UINT64, s.n_runs, "model-queue-depth", G_TYPE_UINT, s.queue_depth,
      "model-fallbacks", G_TYPE_UINT, s.n_fallbacks, NULL);
}

static GstStructure *
make_stats (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);
  GstStructure *stats = gst_structure_new_empty ("application/x-d2v-stats");

  GST_D2V_AUDIO_BASE_GET_CLASS (base)->stats (base, stats);
  add_session_stats (base, stats);
  GST_OBJECT_LOCK (base);
  gst_structure_set (stats, "windows-dropped-corrupt", G_TYPE_UINT64,
                     priv->n_corrupt, "resyncs", G_TYPE_UINT64, priv->n_resyncs,
                     "budget-ms", G_TYPE_UINT,
                     (guint) (priv->budget / GST_MSECOND), NULL);
  GST_OBJECT_UNLOCK (base);
  return stats;
}

static void
gst_d2v_audio_base_get_property (GObject *object, guint id, GValue *value,
                                 GParamSpec *pspec)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  if (gst_d2v_settings_get (&priv->settings, GST_OBJECT (base), id, value))
    return;
  switch (id)
    {
    case GST_D2V_PROP_DEVICE_NAME:
      g_value_take_string (value, device_name (base));
      break;
    case GST_D2V_PROP_STATS:
      g_value_take_boxed (value, make_stats (base));
      break;
    case GST_D2V_PROP_MAX_OBSERVED_DELAY:
      GST_OBJECT_LOCK (base);
      g_value_set_uint (value, priv->max_delay_ms);
      GST_OBJECT_UNLOCK (base);
      break;
    case GST_D2V_AUDIO_PROP_REGIME:
      GST_OBJECT_LOCK (base);
      g_value_set_enum (value, priv->regime);
      GST_OBJECT_UNLOCK (base);
      break;
    case GST_D2V_AUDIO_PROP_ON_CORRUPT:
      GST_OBJECT_LOCK (base);
      g_value_set_enum (value, priv->on_corrupt);
      GST_OBJECT_UNLOCK (base);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
gst_d2v_audio_base_constructed (GObject *object)
{
  GstD2vAudioBase *base = GST_D2V_AUDIO_BASE (object);
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  G_OBJECT_CLASS (gst_d2v_audio_base_parent_class)->constructed (object);
  priv->loader_class
      = (GstD2vLoaderClass){ .modality = D2V_MODALITY_AUDIO,
                             .head = GST_D2V_AUDIO_BASE_GET_CLASS (base)->head,
                             .warm_up = warm_up,
                             .loaded = loaded,
                             .kept = kept };
  priv->loader = gst_d2v_loader_new (GST_ELEMENT (base), &priv->loader_class);
  priv->budget = gst_d2v_audio_base_first_budget (base);
}

static void
gst_d2v_audio_base_finalize (GObject *object)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (GST_D2V_AUDIO_BASE (object));

  gst_d2v_loader_free (priv->loader);
  gst_d2v_settings_clear (&priv->settings);
  G_OBJECT_CLASS (gst_d2v_audio_base_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  gst_d2v_settings_install (klass);

  /**
   * GstD2vAudioBase:regime:
   *
   * Recorded sound gets exact, complete results, and upstream waits for them;
   * live sound gets results within a bounded delay, and upstream never waits.
   * Which of the two a pipeline is, its LATENCY query says.
   */
  g_object_class_install_property (
      klass, GST_D2V_AUDIO_PROP_REGIME,
      g_param_spec_enum ("regime", "Regime",
                         "Whether results are exact (recorded) or in time "
                         "(live)",
                         GST_TYPE_D2V_REGIME, GST_D2V_REGIME_AUTO,
                         flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstD2vAudioBase:on-corrupt:
   *
   * What becomes of buffers that upstream marks as corrupted. They are counted
   * in either case.
   */
  g_object_class_install_property (
      klass, GST_D2V_AUDIO_PROP_ON_CORRUPT,
      g_param_spec_enum ("on-corrupt", "On corrupted buffers",
                         "What to do with buffers marked as corrupted",
                         GST_TYPE_D2V_ON_CORRUPT, GST_D2V_ON_CORRUPT_DROP,
                         flags | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_d2v_audio_base_class_init (GstD2vAudioBaseClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_d2v_audio_base_debug, "d2vaudiobase", 0,
                           "base class of elements that hear");
  object_class->constructed = gst_d2v_audio_base_constructed;
  object_class->finalize = gst_d2v_audio_base_finalize;
  object_class->set_property = gst_d2v_audio_base_set_property;
  object_class->get_property = gst_d2v_audio_base_get_property;
  install_properties (object_class);
  element_class->change_state
      = GST_DEBUG_FUNCPTR (gst_d2v_audio_base_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_type_mark_as_plugin_api (GST_TYPE_D2V_AUDIO_BASE, 0);
}

static void
gst_d2v_audio_base_init (GstD2vAudioBase *base)
{
  GstD2vAudioBasePrivate *priv = PRIVATE (base);

  gst_d2v_settings_init (&priv->settings);
  priv->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (priv->sinkpad,
                              GST_DEBUG_FUNCPTR (gst_d2v_audio_base_chain));
  gst_pad_set_event_function (
      priv->sinkpad, GST_DEBUG_FUNCPTR (gst_d2v_audio_base_sink_event));
  gst_pad_set_query_function (
      priv->sinkpad, GST_DEBUG_FUNCPTR (gst_d2v_audio_base_sink_query));
  gst_element_add_pad (GST_ELEMENT (base), priv->sinkpad);
}
