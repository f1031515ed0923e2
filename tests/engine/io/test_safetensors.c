/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/safetensors.h"
#include "tests/engine/io/folder.h"
#include "tests/engine/io/pack.h"

#include <math.h>
#include <string.h>

static D2vTensor *
random_tensor (D2vDType dtype, const D2vShape *shape, GRand *rand)
{
  D2vTensor *tensor = d2v_tensor_new_empty (dtype, shape);
  guint8 *bytes = d2v_tensor_data (tensor);

  for (gsize i = 0; i < d2v_tensor_n_bytes (tensor); i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  return tensor;
}

static void
assert_same (const D2vTensors *a, const D2vTensors *b)
{
  g_assert_cmpuint (d2v_tensors_size (a), ==, d2v_tensors_size (b));
  for (guint i = 0; i < d2v_tensors_size (a); i++)
    {
      const gchar *name = d2v_tensors_name (a, i);
      const D2vTensor *x = d2v_tensors_get (a, name);
      const D2vTensor *y = d2v_tensors_get (b, name);
      g_assert_nonnull (y);
      g_assert_cmpint (x->dtype, ==, y->dtype);
      g_assert_true (d2v_shape_equal (&x->shape, &y->shape));
      g_assert_cmpmem (x->data, x->n_bytes, y->data, y->n_bytes);
    }
}

static void
test_round_trip (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "x", NULL);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (D2vTensors) tensors = d2v_tensors_new ();
  g_autoptr (GError) error = NULL;
  const D2vShape shapes[]
      = { d2v_shape_from (0, NULL), d2v_shape (3), d2v_shape (2, 5, 7),
          d2v_shape (1, 2, 1, 2, 1, 2, 1, 2), d2v_shape (301, 997) };

  for (guint t = 0; t < D2V_N_DTYPES; t++)
    for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
      {
        g_autofree gchar *name = g_strdup_printf ("t\"%u\\ \u00fc.%u", t, s);
        g_autoptr (D2vTensor) tensor = random_tensor (t, &shapes[s], rand);
        d2v_tensors_set (tensors, name, tensor);
      }
  g_assert_true (d2v_tensors_save (tensors, path, &error));
  g_assert_no_error (error);
  g_autoptr (D2vTensors) back = d2v_tensors_load (path, &error);
  g_assert_no_error (error);
  assert_same (tensors, back);
}

/* As the original's writer: large items first, then by name; data aligned. */
static void
test_layout (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "x", NULL);
  g_autofree gchar *bytes = NULL;
  g_autoptr (D2vTensors) tensors = d2v_tensors_new ();
  g_autoptr (D2vTensor) small = d2v_tensor_new (D2V_U8, 1, (gsize[]){ 3 });
  g_autoptr (D2vTensor) large = d2v_tensor_new (D2V_I64, 1, (gsize[]){ 1 });
  g_autoptr (GError) error = NULL;
  gsize n;
  guint64 header;

  d2v_tensors_set (tensors, "a", small);
  d2v_tensors_set (tensors, "b", large);
  g_assert_true (d2v_tensors_save (tensors, path, &error));
  g_assert_true (g_file_get_contents (path, &bytes, &n, &error));
  memcpy (&header, bytes, sizeof header);
  g_assert_cmpuint (header % 8, ==, 0);
  g_assert_cmpuint (n, ==, 8 + header + 11);
  static const gchar expected[]
      = "{\"b\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]}}";
  g_assert_true (strncmp (bytes + 8, expected, strlen (expected)) == 0);
}

static void
test_empty_set (void)
{
  g_auto (Folder) folder = folder_new ();
  g_autofree gchar *path = g_build_filename (folder.path, "x", NULL);
  g_autoptr (D2vTensors) tensors = d2v_tensors_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (d2v_tensors_save (tensors, path, &error));
  g_autoptr (D2vTensors) back = d2v_tensors_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (d2v_tensors_size (back), ==, 0);
}

static void
test_write_errors (void)
{
  g_autoptr (D2vTensors) tensors = d2v_tensors_new ();
  g_autoptr (D2vTensor) tensor = d2v_tensor_new (D2V_F32, 1, (gsize[]){ 9999 });
  g_autoptr (GError) error = NULL;

  d2v_tensors_set (tensors, "a", tensor);
  g_assert_false (d2v_tensors_save (tensors, "/nowhere/x", &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_WRITE);
  g_clear_error (&error);
  g_assert_false (d2v_tensors_save (tensors, "/dev/full", &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_WRITE);
}

/* ------------------------------------------------------------- loading -- */

static void
test_wanted (void)
{
  g_autoptr (GByteArray) bytes = pack_safetensors (
      "{\"w\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
      "\0\x3c\0\xc0", 4); /* 1, -2 */
  g_autoptr (D2vFile) file
      = d2v_file_from_memory (bytes->data, bytes->len, "memory");
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vSafetensors) st = d2v_safetensors_open (file, &error);
  D2vLoad load = { .as_f32 = TRUE };
  gboolean wanted = FALSE;
  D2vTensor *out = NULL;

  g_assert_no_error (error);
  g_assert_true (d2v_load_init (&load, &error));
  g_assert_true (d2v_safetensors_load (st, &wanted, &load, &out, &error));
  g_assert_null (out);
  wanted = TRUE;
  g_assert_true (d2v_safetensors_load (st, &wanted, &load, &out, &error));
  g_assert_cmpint (d2v_tensor_dtype (out), ==, D2V_F32);
  g_assert_cmpfloat (((gfloat *) d2v_tensor_data (out))[0], ==, 1);
  g_assert_cmpfloat (((gfloat *) d2v_tensor_data (out))[1], ==, -2);
  d2v_tensor_unref (out);
  d2v_load_clear (&load);
}

/* Every single number of a tensor that is a few pieces long. */
static void
test_nonfinite (void)
{
  const gsize n = 2 * D2V_PIECE / sizeof (gfloat) + 777;
  const D2vStored stored = { "w", D2V_F32, d2v_shape (n) };
  const gsize places[] = { 0, 1, 1023, 1024, 65535, 65536, n - 778, n - 1 };
  const gfloat values[] = { NAN, -NAN, INFINITY, -INFINITY };
  g_autofree gfloat *numbers = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = i % 2 == 0 ? G_MAXFLOAT : -G_MINFLOAT;
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    for (guint v = 0; v < G_N_ELEMENTS (values); v++)
      {
        gfloat kept = numbers[places[i]];
        D2vLoad load = { .as_f32 = TRUE };
        D2vFill fill;
        gsize n_bytes, done = 0;
        g_autoptr (GError) error = NULL;
        g_assert_true (d2v_load_init (&load, &error));
        g_assert_true (d2v_fill_begin (&fill, &load, &stored, "f", &error));
        numbers[places[i]] = values[v];
        while (d2v_fill_space (&fill, &load, &n_bytes) != NULL && n_bytes > 0)
          {
            d2v_fill_add (&fill, &load, (guint8 *) numbers + done, n_bytes);
            done += n_bytes;
          }
        g_assert_cmpuint (done, ==, n * sizeof (gfloat));
        g_assert_cmpuint (fill.n_nonfinite, ==, 1);
        g_assert_cmpuint (fill.first_nonfinite, ==, places[i]);
        g_assert_false (d2v_fill_end (&fill, &load, "f", &error));
        g_assert_error (error, D2V_ERROR, D2V_ERROR_W_NONFINITE);
        load.allow_nonfinite = TRUE;
        g_assert_true (d2v_fill_end (&fill, &load, "f", NULL));
        numbers[places[i]] = kept;
        d2v_tensor_unref (fill.tensor);
        d2v_load_clear (&load);
      }
}

/* A name in a message is escaped and cut; nothing else of the file is shown. */
static void
test_messages (void)
{
  g_autoptr (GByteArray) bytes
      = pack_safetensors ("{\"a\\nb\":{\"dtype\":\"F16\",\"shape\":[2],"
                          "\"data_offsets\":[0,4]}}",
                          "data", 4);
  g_autoptr (D2vFile) file
      = d2v_file_from_memory (bytes->data, bytes->len, "memory");
  g_autoptr (GError) error = NULL;

  g_assert_null (d2v_safetensors_open (file, &error));
  g_assert_nonnull (strstr (error->message, "a\\x0ab"));
  g_assert_null (strstr (error->message, "data_offsets"));
  g_assert_nonnull (strstr (error->message, "memory"));
  g_assert_nonnull (strstr (error->message, "(S"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/safetensors/round-trip", test_round_trip);
  g_test_add_func ("/io/safetensors/layout", test_layout);
  g_test_add_func ("/io/safetensors/empty-set", test_empty_set);
  g_test_add_func ("/io/safetensors/write-errors", test_write_errors);
  g_test_add_func ("/io/safetensors/wanted", test_wanted);
  g_test_add_func ("/io/safetensors/S18-nonfinite", test_nonfinite);
  g_test_add_func ("/io/safetensors/G11-messages", test_messages);
  return g_test_run ();
}
