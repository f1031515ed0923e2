/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* elements.c: prints docs/elements.md from what the elements say of
 * themselves. A test compares; to renew it:
 *
 *   GST_PLUGIN_PATH=build/gst build/tools/docs/elements > docs/elements.md */

#include <gst/gst.h>

#include <string.h>

static gint
by_name (gconstpointer a, gconstpointer b)
{
  const GParamSpec *x = *(GParamSpec *const *) a, *y = *(GParamSpec *const *) b;

  return strcmp (x->name, y->name);
}

static const gchar *
mutable_in (const GParamSpec *spec)
{
  if (!(spec->flags & G_PARAM_WRITABLE))
    return "read-only";
  if (spec->flags & GST_PARAM_MUTABLE_PLAYING)
    return "playing";
  if (spec->flags & GST_PARAM_MUTABLE_PAUSED)
    return "paused";
  return "ready";
}

/* The enumeration's nicks, or the type's name. */
static gchar *
type_of (GParamSpec *spec)
{
  if (!G_IS_PARAM_SPEC_ENUM (spec))
    return g_strdup (g_type_name (spec->value_type));

  const GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < values->n_values; i++)
    g_string_append_printf (text, "%s`%s`", i ? ", " : "",
                            values->values[i].value_nick);
  return g_string_free (text, FALSE);
}

static gchar *
default_of (GParamSpec *spec)
{
  const GValue *value = g_param_spec_get_default_value (spec);

  if (!(spec->flags & G_PARAM_WRITABLE))
    return g_strdup ("");
  if (G_IS_PARAM_SPEC_ENUM (spec))
    return g_strdup_printf (
        "`%s`", g_enum_get_value (G_PARAM_SPEC_ENUM (spec)->enum_class,
                                  g_value_get_enum (value))
                    ->value_nick);
  if (G_VALUE_HOLDS_STRING (value))
    return g_value_get_string (value) != NULL
               ? g_strdup_printf ("`%s`", g_value_get_string (value))
               : g_strdup ("unset");
  g_autofree gchar *text = g_strdup_value_contents (value);
  for (gchar *c = text; *c != '\0'; c++)
    *c = g_ascii_tolower (*c);
  return g_strdup_printf ("`%s`", text);
}

static void
print_properties (GstElement *element)
{
  guint n;
  g_autofree GParamSpec **specs
      = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  qsort (specs, n, sizeof *specs, by_name);
  g_print ("| property | type | default | may change while | what it does |\n"
           "|---|---|---|---|---|\n");
  for (guint i = 0; i < n; i++)
    {
      /* What GStreamer's own classes add differs from version to version. */
      if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstD2v"))
        continue;
      g_autofree gchar *type = type_of (specs[i]);
      g_autofree gchar *value = default_of (specs[i]);
      g_print ("| `%s` | %s | %s | %s | %s |\n", specs[i]->name, type, value,
               mutable_in (specs[i]), g_param_spec_get_blurb (specs[i]));
    }
  g_print ("\n");
}

static gint
by_pad_name (gconstpointer a, gconstpointer b)
{
  const GstStaticPadTemplate *x = a, *y = b;

  return strcmp (x->name_template, y->name_template);
}

/* Sorted: their order is another one when the registry comes from its cache. */
static void
print_pads (GstElementFactory *factory)
{
  static const gchar *const presence[] = { "always", "sometimes", "request" };
  g_autoptr (GList) pads = g_list_copy (
      (GList *) gst_element_factory_get_static_pad_templates (factory));

  pads = g_list_sort (pads, by_pad_name);
  g_print ("| pad | there | caps |\n|---|---|---|\n");
  for (GList *l = pads; l != NULL; l = l->next)
    {
      const GstStaticPadTemplate *pad = l->data;
      g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (
          (GstStaticPadTemplate *) pad);
      g_autofree gchar *text = gst_caps_to_string (caps);

      g_print ("| `%s` (%s) | %s | `%s` |\n", pad->name_template,
               pad->direction == GST_PAD_SINK ? "sink" : "source",
               presence[pad->presence], text);
    }
  g_print ("\n");
}

static void
print_element (GstElementFactory *factory)
{
  g_autoptr (GstElement) element
      = gst_object_ref_sink (gst_element_factory_create (factory, NULL));

  g_print ("## %s\n\n%s. Class `%s`.\n\n",
           gst_plugin_feature_get_name (GST_PLUGIN_FEATURE (factory)),
           gst_element_factory_get_metadata (factory,
                                             GST_ELEMENT_METADATA_DESCRIPTION),
           gst_element_factory_get_metadata (factory,
                                             GST_ELEMENT_METADATA_KLASS));
  print_pads (factory);
  print_properties (element);
}

static gint
by_feature_name (gconstpointer a, gconstpointer b)
{
  return strcmp (gst_plugin_feature_get_name ((GstPluginFeature *) a),
                 gst_plugin_feature_get_name ((GstPluginFeature *) b));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  GList *features = gst_registry_get_feature_list_by_plugin (
      gst_registry_get (), "data2vec");

  if (features == NULL)
    {
      g_printerr ("GStreamer finds no plugin data2vec\n");
      return 1;
    }
  g_print ("# The elements\n\nMade by tools/docs/elements from what the "
           "elements say of themselves; `docs/live.md` says how live "
           "transcription works.\n\n");
  features = g_list_sort (features, by_feature_name);
  for (GList *l = features; l != NULL; l = l->next)
    if (GST_IS_ELEMENT_FACTORY (l->data))
      print_element (l->data);
  gst_plugin_feature_list_free (features);
  return 0;
}
