/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/base/error.h"
#include "engine/io/processor.h"
#include "tests/engine/io/folder.h"

#include <string.h>

static void
put (const Folder *folder, const gchar *name, const gchar *text)
{
  folder_write (folder, name, text, strlen (text));
}

static D2vImageProcessorConfig
image_of (const gchar *text, gsize num_channels)
{
  D2vImageProcessorConfig image;
  g_autoptr (GError) error = NULL;

  d2v_image_processor_parse (text, strlen (text), "preprocessor_config.json",
                             num_channels, &image, &error);
  g_assert_no_error (error);
  return image;
}

static void
test_audio_defaults (void)
{
  g_auto (Folder) folder = folder_new ();
  D2vAudioProcessorConfig audio;
  g_autoptr (GError) error = NULL;

  g_assert_true (d2v_audio_processor_read (folder.path, &audio, &error));
  g_assert_no_error (error);
  g_assert_true (audio.do_normalize);
  g_assert_false (audio.return_attention_mask);
  g_assert_cmpfloat (audio.padding_value, ==, 0);
  g_assert_cmpuint (audio.sampling_rate, ==, 16000);
}

static void
test_audio_values (void)
{
  g_auto (Folder) folder = folder_new ();
  D2vAudioProcessorConfig audio;
  g_autoptr (GError) error = NULL;

  put (&folder, "preprocessor_config.json",
       "{\"do_normalize\":false,\"return_attention_mask\":true,"
       "\"padding_value\":-1,\"sampling_rate\":8000,\"feature_size\":1,"
       "\"padding_side\":\"right\"}");
  g_assert_true (d2v_audio_processor_read (folder.path, &audio, &error));
  g_assert_no_error (error);
  g_assert_false (audio.do_normalize);
  g_assert_true (audio.return_attention_mask);
  g_assert_cmpfloat (audio.padding_value, ==, -1);
  g_assert_cmpuint (audio.sampling_rate, ==, 8000);
}

/* The nested object whole, nothing merged; without it the other file. */
static void
test_nested_first (void)
{
  g_auto (Folder) folder = folder_new ();
  D2vAudioProcessorConfig audio;
  D2vImageProcessorConfig image;
  g_autoptr (GError) error = NULL;

  put (&folder, "preprocessor_config.json",
       "{\"sampling_rate\":8000,\"do_normalize\":false,\"size\":64}");
  put (&folder, "processor_config.json",
       "{\"feature_extractor\":{\"sampling_rate\":22050},"
       "\"image_processor\":null}");
  g_assert_true (d2v_audio_processor_read (folder.path, &audio, &error));
  g_assert_cmpuint (audio.sampling_rate, ==, 22050);
  g_assert_true (audio.do_normalize);
  g_assert_true (d2v_image_processor_read (folder.path, 3, &image, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (image.size_h, ==, 64);
}

static void
test_image_defaults (void)
{
  D2vImageProcessorConfig image = image_of ("{}", 3);

  g_assert_true (image.do_resize && image.do_rescale && image.do_normalize);
  g_assert_false (image.do_center_crop || image.reduce_labels);
  g_assert_cmpuint (image.size_h, ==, 224);
  g_assert_cmpuint (image.size_w, ==, 224);
  g_assert_cmpuint (image.crop_h, ==, 224);
  g_assert_cmpint (image.resample, ==, 3);
  g_assert_cmpfloat (image.rescale_factor, ==, 1.0 / 255);
  g_assert_cmpfloat (image.mean[2], ==, 0.5f);
  g_assert_cmpfloat (image.std[2], ==, 0.5f);
}

static void
test_image_values (void)
{
  D2vImageProcessorConfig image
      = image_of ("{\"size\":{\"height\":32,\"width\":48},\"resample\":2,"
                  "\"do_center_crop\":true,\"crop_size\":24,"
                  "\"image_mean\":[0.1,0.2],\"image_std\":2,"
                  "\"rescale_factor\":0.5,\"do_reduce_labels\":true}",
                  2);

  g_assert_cmpuint (image.size_h, ==, 32);
  g_assert_cmpuint (image.size_w, ==, 48);
  g_assert_cmpuint (image.crop_h, ==, 24);
  g_assert_cmpuint (image.crop_w, ==, 24);
  g_assert_cmpint (image.resample, ==, 2);
  g_assert_cmpfloat (image.mean[0], ==, 0.1f);
  g_assert_cmpfloat (image.mean[1], ==, 0.2f);
  g_assert_cmpfloat (image.std[1], ==, 2);
  g_assert_cmpfloat (image.rescale_factor, ==, 0.5);
  g_assert_true (image.reduce_labels);
}

/* What the message must say for a user to know what to do. */
static void
test_messages (void)
{
  static const gchar text[] = "{\"size\":{\"shortest_edge\":224}}";
  D2vImageProcessorConfig image;
  g_autoptr (GError) error = NULL;

  g_assert_false (d2v_image_processor_parse (
      text, strlen (text), "preprocessor_config.json", 3, &image, &error));
  g_assert_error (error, D2V_ERROR, D2V_ERROR_CONFIG_RANGE);
  g_assert_nonnull (strstr (error->message, "size"));
  g_assert_nonnull (strstr (error->message, "shortest_edge"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/processor/audio-defaults", test_audio_defaults);
  g_test_add_func ("/io/processor/audio-values", test_audio_values);
  g_test_add_func ("/io/processor/nested-first", test_nested_first);
  g_test_add_func ("/io/processor/image-defaults", test_image_defaults);
  g_test_add_func ("/io/processor/image-values", test_image_values);
  g_test_add_func ("/io/processor/C-messages", test_messages);
  return g_test_run ();
}
