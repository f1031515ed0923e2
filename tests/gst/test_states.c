/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D6: every element of the plugin through its states, without media; and
 * what the plugin says of itself. */

#include "tests/gst/bench.h"

#include <string.h>

static gchar *model;

static GList *
list_factories (void)
{
  GList *features = gst_registry_get_feature_list_by_plugin (
      gst_registry_get (), "data2vec");

  g_assert_nonnull (features);
  return features;
}

static GstElement *
make (GstPluginFeature *feature)
{
  GstElement *element
      = gst_element_factory_make (gst_plugin_feature_get_name (feature), NULL);

  g_assert_nonnull (element);
  gst_object_ref_sink (element);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "model"))
    g_object_set (element, "model", model, NULL);
  return element;
}

static void
set (GstElement *element, GstState state)
{
  g_assert_cmpint (gst_element_set_state (element, state), ==,
                   GST_STATE_CHANGE_SUCCESS);
}

static void
test_states (void)
{
  static const GstState walks[][8] = {
    { GST_STATE_READY, GST_STATE_NULL },
    { GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL },
    { GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY,
      GST_STATE_PLAYING, GST_STATE_NULL },
    { GST_STATE_PLAYING, GST_STATE_NULL, GST_STATE_PLAYING, GST_STATE_NULL },
  };
  GList *features = list_factories ();

  for (GList *f = features; f; f = f->next)
    {
      GstElement *element = make (f->data);

      for (guint i = 0; i < G_N_ELEMENTS (walks); i++)
        for (guint j = 0; j < 8 && walks[i][j] != GST_STATE_VOID_PENDING; j++)
          set (element, walks[i][j]);
      gst_object_unref (element);
    }
  gst_plugin_feature_list_free (features);
}

/* Never picked by decodebin, and found by what applications look for. */
static void
test_factories (void)
{
  GList *features = list_factories ();
  guint n = 0;

  for (GList *f = features; f; f = f->next)
    {
      GstElementFactory *factory = f->data;

      g_assert_cmpuint (gst_plugin_feature_get_rank (f->data), ==,
                        GST_RANK_NONE);
      g_assert_true (
          g_str_has_prefix (gst_plugin_feature_get_name (f->data), "d2v"));
      g_assert_nonnull (gst_element_factory_get_metadata (
          factory, GST_ELEMENT_METADATA_LONGNAME));
      n++;
    }
  g_assert_cmpuint (n, >=, 2);
  gst_plugin_feature_list_free (features);
}

/* Every property has a nick and a blurb, a name with dashes, and says in which
 * states it may change; its default is inside of its range. */
static void
check_property (GstElement *element, GParamSpec *spec)
{
  GParamFlags mutable = GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED
                        | GST_PARAM_MUTABLE_PLAYING;
  GValue value = G_VALUE_INIT;

  g_test_message ("%s", spec->name);
  g_assert_null (strchr (spec->name, '_'));
  g_assert_cmpuint (strlen (g_param_spec_get_nick (spec)), >, 2);
  g_assert_cmpuint (strlen (g_param_spec_get_blurb (spec)), >, 10);
  if (spec->flags & G_PARAM_WRITABLE)
    g_assert_true (spec->flags & mutable);
  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (element), spec->name, &value);
  g_assert_false (g_param_value_validate (spec, &value));
  if ((spec->flags & G_PARAM_WRITABLE) && g_strcmp0 (spec->name, "model") != 0)
    g_assert_true (g_param_value_defaults (spec, &value));
  g_value_unset (&value);
}

static void
test_properties (void)
{
  GList *features = list_factories ();

  for (GList *f = features; f; f = f->next)
    {
      GstElement *element = make (f->data);
      guint n;
      g_autofree GParamSpec **specs
          = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

      for (guint i = 0; i < n; i++)
        if (g_type_is_a (specs[i]->owner_type, GST_TYPE_ELEMENT)
            && specs[i]->owner_type != GST_TYPE_ELEMENT
            && !g_str_equal (g_type_name (specs[i]->owner_type),
                             "GstBaseTransform"))
          check_property (element, specs[i]);
      gst_object_unref (element);
    }
  gst_plugin_feature_list_free (features);
}

/* The lowest and the highest value of each number can be set and read. */
static void
check_ends (GstElement *element, GParamSpec *spec)
{
  if (!G_IS_PARAM_SPEC_UINT (spec) || !(spec->flags & G_PARAM_WRITABLE))
    return;
  for (guint i = 0; i < 2; i++)
    {
      GParamSpecUInt *range = G_PARAM_SPEC_UINT (spec);
      guint end = i ? range->maximum : range->minimum, read;

      g_object_set (element, spec->name, end, NULL);
      g_object_get (element, spec->name, &read, NULL);
      g_assert_cmpuint (read, ==, end);
    }
}

static void
test_ranges (void)
{
  GList *features = list_factories ();

  for (GList *f = features; f; f = f->next)
    {
      GstElement *element = make (f->data);
      guint n;
      g_autofree GParamSpec **specs
          = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

      for (guint i = 0; i < n; i++)
        check_ends (element, specs[i]);
      gst_object_unref (element);
    }
  gst_plugin_feature_list_free (features);
}

int
main (int argc, char **argv)
{
  gint result;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  model = make_model ("W", NULL);
  g_test_add_func ("/elements/fault_D6/states", test_states);
  g_test_add_func ("/elements/factories", test_factories);
  g_test_add_func ("/elements/properties", test_properties);
  g_test_add_func ("/elements/ranges", test_ranges);
  result = g_test_run ();
  remove_model (model);
  return result;
}
