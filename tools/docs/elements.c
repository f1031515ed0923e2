/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* elements.c: prints docs/elements.md.
 *
 *     elements SOURCES [--check FILE]
 *
 * What an element is comes from the registry and its class, what it is for from
 * the SECTION comments in SOURCES (the folder gst/). Prints Markdown, or says
 * whether FILE is what would be printed. To renew it: ninja elements-md */

#include <gst/gst.h>

#include <string.h>

static const gchar intro[]
    = "# The elements\n\n"
      "<!-- Made by tools/docs/elements.c from the plugin itself. To change "
      "it, change\n     the sources and run\n\n"
      "         ninja -C build elements-md\n-->\n\n"
      "The plugin is `data2vec`; none of its elements has a rank, so nothing "
      "is plugged\nby itself.\n\n"
      "Results travel in three ways at once, with the same fields: as an "
      "element message\non the bus, as the meta `GstD2vResultMeta` on the "
      "buffer they belong to (a\n`GstCustomMeta` without tags, which "
      "`audioconvert`, `queue`, `videoscale` and the\nlike keep), and as lines "
      "of JSON. From Python, `buffer.get_custom_meta\n"
      "(\"GstD2vResultMeta\").get_structure ()` has them.\n";

/* ------------------------------------------------------------ comments -- */

static gchar *
read_sources (const gchar *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GString *all = g_string_new (NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".c"))
      g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree gchar *text = NULL;

      if (g_file_get_contents (g_ptr_array_index (names, i), &text, NULL, NULL))
        g_string_append (all, text);
    }
  return g_string_free (all, FALSE);
}

/* The lines of the comment that begins with @title, without their stars. */
static GStrv
find_comment (const gchar *sources, const gchar *title)
{
  g_autofree gchar *begin = g_strdup_printf (" * %s\n", title);
  const gchar *at = strstr (sources, begin);
  const gchar *end = at ? strstr (at, "*/") : NULL;
  g_autofree gchar *text = NULL;

  if (!end)
    return NULL;
  at += strlen (begin);
  text = g_strndup (at, (gsize) (end - at));
  return g_strsplit (g_strchomp (text), "\n", -1);
}

static const gchar *
strip_star (const gchar *line)
{
  line += strspn (line, " ");
  if (*line == '*')
    line++;
  return *line == ' ' ? line + 1 : line;
}

/* gtk-doc's marks as Markdown's. */
static void
print_section (GString *out, const gchar *sources, const gchar *element)
{
  g_autofree gchar *title = g_strdup_printf ("SECTION:element-%s", element);
  g_auto (GStrv) lines = find_comment (sources, title);

  /* After the title and an empty line. */
  for (guint i = 2; lines && lines[0] && lines[1] && lines[i]; i++)
    {
      const gchar *line = strip_star (lines[i]);

      if (g_str_equal (line, "|["))
        g_string_append (out, "```sh\n");
      else if (g_str_equal (line, "]|"))
        g_string_append (out, "```\n");
      else
        {
          g_auto (GStrv) parts = g_strsplit (line, "%", -1);
          g_autofree gchar *plain = g_strjoinv ("", parts);

          g_string_append_printf (
              out, "%s%s\n", g_str_has_prefix (plain, "## ") ? "#" : "", plain);
        }
    }
}

/* ---------------------------------------------------------- properties -- */

static gchar *
describe_number (gdouble value, gdouble most)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (value >= most)
    return g_strdup ("max");
  return g_strdup (g_ascii_formatd (text, sizeof text, "%.10g", value));
}

static gchar *
describe_type (GParamSpec *spec)
{
  g_autofree gchar *min = NULL, *max = NULL;

  if (G_IS_PARAM_SPEC_UINT (spec))
    {
      GParamSpecUInt *range = G_PARAM_SPEC_UINT (spec);

      min = describe_number (range->minimum, G_MAXUINT);
      max = describe_number (range->maximum, G_MAXUINT);
      return g_strdup_printf ("guint, %s to %s", min, max);
    }
  if (G_IS_PARAM_SPEC_INT (spec))
    {
      GParamSpecInt *range = G_PARAM_SPEC_INT (spec);

      min = describe_number (range->minimum, G_MAXINT);
      max = describe_number (range->maximum, G_MAXINT);
      return g_strdup_printf ("gint, %s to %s", min, max);
    }
  if (G_IS_PARAM_SPEC_FLOAT (spec))
    {
      min = describe_number (G_PARAM_SPEC_FLOAT (spec)->minimum, G_MAXFLOAT);
      max = describe_number (G_PARAM_SPEC_FLOAT (spec)->maximum, G_MAXFLOAT);
      return g_strdup_printf ("gfloat, %s to %s", min, max);
    }
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_strdup ("string");
  return g_strdup (g_type_name (spec->value_type));
}

static gchar *
describe_default (GParamSpec *spec)
{
  const GValue *value = g_param_spec_get_default_value (spec);

  if (!(spec->flags & G_PARAM_WRITABLE))
    return g_strdup ("read-only");
  if (G_IS_PARAM_SPEC_ENUM (spec))
    {
      GEnumClass *klass = G_PARAM_SPEC_ENUM (spec)->enum_class;

      return g_strdup_printf (
          "`%s`",
          g_enum_get_value (klass, g_value_get_enum (value))->value_nick);
    }
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_value_get_string (value)
               ? g_strdup_printf ("`%s`", g_value_get_string (value))
               : g_strdup ("unset");
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  if (G_IS_PARAM_SPEC_FLOAT (spec))
    return describe_number (g_value_get_float (value), G_MAXDOUBLE);
  return gst_value_serialize (value);
}

static const gchar *
describe_mutable (GParamSpec *spec)
{
  if (!(spec->flags & G_PARAM_WRITABLE))
    return "";
  if (spec->flags & GST_PARAM_MUTABLE_PLAYING)
    return spec->flags & GST_PARAM_CONTROLLABLE ? "playing, controllable"
                                                : "playing";
  return spec->flags & GST_PARAM_MUTABLE_PAUSED ? "paused" : "ready";
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(GParamSpec *const *) a)->name,
                 (*(GParamSpec *const *) b)->name);
}

/* Those of the plugin's own classes, by name. */
static GPtrArray *
own_properties (GstElement *element)
{
  GPtrArray *own = g_ptr_array_new ();
  guint n;
  g_autofree GParamSpec **specs
      = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  for (guint i = 0; i < n; i++)
    if (g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstD2v"))
      g_ptr_array_add (own, specs[i]);
  g_ptr_array_sort (own, compare_names);
  return own;
}

static void
print_values (GString *out, GParamSpec *spec)
{
  GEnumClass *klass;

  if (!G_IS_PARAM_SPEC_ENUM (spec))
    return;
  klass = G_PARAM_SPEC_ENUM (spec)->enum_class;
  g_string_append_printf (out, "\n`%s` is one of\n\n", spec->name);
  for (guint i = 0; i < klass->n_values; i++)
    g_string_append_printf (out, "- `%s`: %s\n", klass->values[i].value_nick,
                            klass->values[i].value_name);
}

static void
print_properties (GString *out, GstElement *element)
{
  g_autoptr (GPtrArray) specs = own_properties (element);

  g_string_append (out, "\n### Properties\n\n"
                        "| name | type | default | may change in | |\n"
                        "|---|---|---|---|---|\n");
  for (guint i = 0; i < specs->len; i++)
    {
      GParamSpec *spec = g_ptr_array_index (specs, i);
      g_autofree gchar *type = describe_type (spec);
      g_autofree gchar *value = describe_default (spec);

      g_string_append_printf (out, "| `%s` | %s | %s | %s | %s |\n", spec->name,
                              type, value, describe_mutable (spec),
                              g_param_spec_get_blurb (spec));
    }
  for (guint i = 0; i < specs->len; i++)
    print_values (out, g_ptr_array_index (specs, i));
}

/* ---------------------------------------------------------------- pads -- */

static gint
compare_templates (gconstpointer a, gconstpointer b)
{
  const GstStaticPadTemplate *x = a, *y = b;

  if (x->direction != y->direction)
    return x->direction == GST_PAD_SINK ? -1 : 1;
  if (x->presence != y->presence)
    return x->presence == GST_PAD_ALWAYS ? -1 : 1;
  return strcmp (x->name_template, y->name_template);
}

static void
print_pads (GString *out, GstElementFactory *factory)
{
  g_autoptr (GList) templates = g_list_sort (
      g_list_copy (
          (GList *) gst_element_factory_get_static_pad_templates (factory)),
      compare_templates);

  g_string_append (out, "\n### Pads\n\n| name | | caps |\n|---|---|---|\n");
  for (GList *l = templates; l; l = l->next)
    {
      GstStaticPadTemplate *templ = l->data;
      g_autoptr (GstCaps) caps = gst_static_caps_get (&templ->static_caps);
      g_autofree gchar *text = gst_caps_to_string (caps);

      g_string_append_printf (
          out, "| `%s` | %s, %s | `%s` |\n", templ->name_template,
          templ->direction == GST_PAD_SINK ? "sink" : "source",
          templ->presence == GST_PAD_ALWAYS ? "always" : "by request", text);
    }
}

static void
print_element (GString *out, const gchar *sources, GstPluginFeature *feature)
{
  GstElementFactory *factory = GST_ELEMENT_FACTORY (feature);
  GstElement *element = gst_element_factory_create (factory, NULL);

  gst_object_ref_sink (element);
  g_string_append_printf (
      out, "\n## %s\n\n*%s* (%s). %s.\n\n",
      gst_plugin_feature_get_name (feature),
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_LONGNAME),
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS),
      gst_element_factory_get_metadata (factory,
                                        GST_ELEMENT_METADATA_DESCRIPTION));
  print_section (out, sources, gst_plugin_feature_get_name (feature));
  print_pads (out, factory);
  print_properties (out, element);
  gst_object_unref (element);
}

static gint
compare_features (gconstpointer a, gconstpointer b)
{
  return strcmp (gst_plugin_feature_get_name ((gpointer) a),
                 gst_plugin_feature_get_name ((gpointer) b));
}

static gchar *
make_document (const gchar *folder)
{
  g_autofree gchar *sources = read_sources (folder);
  GString *out = g_string_new (intro);
  GList *features = g_list_sort (
      gst_registry_get_feature_list_by_plugin (gst_registry_get (), "data2vec"),
      compare_features);

  g_assert_nonnull (features);
  for (GList *l = features; l; l = l->next)
    {
      GstPluginFeature *loaded = gst_plugin_feature_load (l->data);

      print_element (out, sources, loaded);
      gst_object_unref (loaded);
    }
  gst_plugin_feature_list_free (features);
  return g_string_free (out, FALSE);
}

/* Says where the two part, so that one sees why. */
static int
check (const gchar *path, const gchar *document)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) is = NULL, should = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    {
      g_printerr ("%s cannot be read\n", path);
      return 1;
    }
  if (g_str_equal (text, document))
    return 0;
  is = g_strsplit (text, "\n", -1);
  should = g_strsplit (document, "\n", -1);
  for (guint i = 0; is[i] && should[i]; i++)
    if (!g_str_equal (is[i], should[i]))
      {
        g_printerr ("%s is stale; make it anew with `ninja elements-md`\n"
                    "line %u is:     %s\nand should be: %s\n",
                    path, i + 1, is[i], should[i]);
        return 1;
      }
  g_printerr ("%s is stale: it ends too early or too late\n", path);
  return 1;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *document = NULL;

  gst_init (&argc, &argv);
  if (argc != 2 && !(argc == 4 && g_str_equal (argv[2], "--check")))
    {
      g_printerr ("usage: %s SOURCES [--check FILE]\n", argv[0]);
      return 2;
    }
  document = make_document (argv[1]);
  if (argc == 4)
    return check (argv[3], document);
  g_print ("%s", document);
  return 0;
}
