/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/process/text.h"

/* Two rows of three tokens, then one of two. */
static gsize row_begin[] = { 0, 3, 6, 8 };
static gint32 ids[] = { 0, 5, 2, 0, 2, 1, 0, 2 };
static guint8 attention[] = { 1, 1, 1, 1, 1, 0, 1, 1 };
static const D2vEncoding encoding = { .n_rows = 3,
                                      .n_tokens = 8,
                                      .row_begin = row_begin,
                                      .ids = ids,
                                      .attention_mask = attention };

static void
test_inputs (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();
  const gint64 *id, *mask;

  g_assert_true (d2v_text_inputs (&encoding, 0, 2, inputs, &error));
  g_assert_no_error (error);
  D2vTensor *tensor = d2v_tensors_get (inputs, "input_ids");
  g_assert_cmpuint (d2v_tensor_rank (tensor), ==, 2);
  g_assert_cmpuint (d2v_tensor_shape (tensor)[0], ==, 2);
  g_assert_cmpuint (d2v_tensor_shape (tensor)[1], ==, 3);
  g_assert_cmpint (d2v_tensor_dtype (tensor), ==, D2V_I64);
  id = d2v_tensor_data (tensor);
  mask = d2v_tensor_data (d2v_tensors_get (inputs, "attention_mask"));
  for (guint i = 0; i < 6; i++)
    {
      g_assert_cmpint (id[i], ==, ids[i]);
      g_assert_cmpint (mask[i], ==, attention[i]);
    }
}

static void
test_inputs_of_one_row (void)
{
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();

  g_assert_true (d2v_text_inputs (&encoding, 2, 1, inputs, NULL));
  D2vTensor *tensor = d2v_tensors_get (inputs, "input_ids");
  g_assert_cmpuint (d2v_tensor_shape (tensor)[1], ==, 2);
  g_assert_cmpint (((gint64 *) d2v_tensor_data (tensor))[1], ==, 2);
}

static void
test_inputs_of_unequal_rows (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (D2vTensors) inputs = d2v_tensors_new ();

  g_assert_false (d2v_text_inputs (&encoding, 0, 3, inputs, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_INPUT);
  g_assert_cmpuint (d2v_tensors_size (inputs), ==, 0);
}

#define GONE "\357\277\275"

/* One U+FFFD for each maximal part, as Unicode's table 3-8 and its
 * neighbours say. */
static void
test_repair (void)
{
  static const struct
  {
    const gchar *bytes;
    gsize n;
    const gchar *text;
    gsize n_replaced;
  } cases[] = {
    { "", 0, "", 0 },
    { "plain \303\251 \360\237\230\200", 13, "plain \303\251 \360\237\230\200",
      0 },
    { "a\377b", 3, "a" GONE "b", 1 },
    { "\341\200\342\360\221\222\361\277A", 9, GONE GONE GONE GONE "A", 4 },
    { "\300\257\340\200\277\360\201\202A", 9,
      GONE GONE GONE GONE GONE GONE GONE GONE "A", 8 },
    { "\355\240\200\355\277\277\355\257A", 9,
      GONE GONE GONE GONE GONE GONE GONE GONE "A", 8 },
    { "\364\221\222\223\377A\200\277B", 9,
      GONE GONE GONE GONE GONE "A" GONE GONE "B", 7 },
    { "\360\237\230", 3, GONE, 1 },
    { "\342\202", 2, GONE, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gsize length, n_replaced;
      g_autofree gchar *text = d2v_text_repair (cases[i].bytes, cases[i].n,
                                                &length, &n_replaced, NULL);

      g_assert_cmpstr (text, ==, cases[i].text);
      g_assert_cmpuint (length, ==, strlen (cases[i].text));
      g_assert_cmpuint (n_replaced, ==, cases[i].n_replaced);
    }
}

static void
test_repair_keeps_nul (void)
{
  gsize length;
  g_autofree gchar *text = d2v_text_repair ("a\0b\377", 4, &length, NULL, NULL);

  g_assert_cmpmem (text, length, "a\0b" GONE, 6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/text/inputs", test_inputs);
  g_test_add_func ("/process/text/inputs-of-one-row", test_inputs_of_one_row);
  g_test_add_func ("/process/text/inputs-of-unequal-rows",
                   test_inputs_of_unequal_rows);
  g_test_add_func ("/process/text/repair", test_repair);
  g_test_add_func ("/process/text/repair-keeps-nul", test_repair_keeps_nul);
  return g_test_run ();
}
