"""The TensorFlow 1 names that programs for convolutional networks use, in tiers by frequency."""

TIERS: dict[int, str] = {
    1: """
        Graph GraphKeys InteractiveSession Session Variable VariableScope AUTO_REUSE abs add add_n argmax argmin cast
        ceil clip_by_value concat constant constant_initializer convert_to_tensor div divide equal exp expand_dims fill
        float32 float64 floor floordiv gather get_default_graph get_default_session get_variable global_variables
        global_variables_initializer gradients greater greater_equal identity initialize_all_variables int32 int64 less
        less_equal log logical_and logical_not logical_or matmul maximum minimum mod multiply name_scope negative
        not_equal one_hot ones ones_initializer ones_like pad placeholder pow random_normal random_normal_initializer
        random_uniform random_uniform_initializer range rank reduce_all reduce_any reduce_logsumexp reduce_max
        reduce_mean reduce_min reduce_prod reduce_sum reset_default_graph reshape reverse round rsqrt set_random_seed
        shape sigmoid sign size slice split sqrt square squared_difference squeeze stack strided_slice subtract tanh
        tile to_float to_int32 trainable_variables transpose truediv truncated_normal truncated_normal_initializer
        uint8 unstack variable_scope variables_initializer where zeros zeros_initializer zeros_like
        nn.avg_pool nn.bias_add nn.conv2d nn.dropout nn.elu nn.log_softmax nn.max_pool nn.relu nn.sigmoid
        nn.sigmoid_cross_entropy_with_logits nn.softmax nn.softmax_cross_entropy_with_logits
        nn.softmax_cross_entropy_with_logits_v2 nn.softplus nn.sparse_softmax_cross_entropy_with_logits nn.tanh
        nn.xw_plus_b train.AdagradOptimizer train.AdamOptimizer train.GradientDescentOptimizer train.MomentumOptimizer
        train.RMSPropOptimizer train.Saver train.get_global_step train.get_or_create_global_step
        train.latest_checkpoint errors.FailedPreconditionError errors.InvalidArgumentError errors.NotFoundError
    """,
    2: """
        add_to_collection assign assign_add assign_sub clip_by_global_norm clip_by_norm control_dependencies cumsum
        einsum eye get_collection get_collection_ref get_variable_scope global_norm glorot_normal_initializer
        glorot_uniform_initializer group linspace local_variables local_variables_initializer meshgrid no_op norm
        placeholder_with_default stop_gradient tensordot tuple variance_scaling_initializer
        layers.average_pooling2d layers.batch_normalization layers.conv2d layers.dense layers.dropout layers.flatten
        layers.max_pooling2d losses.absolute_difference losses.add_loss losses.get_losses
        losses.get_regularization_loss losses.get_total_loss losses.mean_squared_error losses.sigmoid_cross_entropy
        losses.softmax_cross_entropy losses.sparse_softmax_cross_entropy metrics.accuracy metrics.mean
        nn.batch_normalization nn.embedding_lookup nn.fused_batch_norm nn.in_top_k nn.l2_loss nn.l2_normalize
        nn.leaky_relu nn.local_response_normalization nn.lrn nn.moments nn.relu6 nn.selu nn.top_k
        summary.FileWriter summary.histogram summary.image summary.merge summary.merge_all summary.scalar Summary
        train.exponential_decay train.inverse_time_decay train.natural_exp_decay train.piecewise_constant
        train.polynomial_decay
    """,
    3: """
        Assert ConfigProto GPUOptions GraphDef Print RunMetadata RunOptions check_numerics cond import_graph_def py_func
        app.flags app.run flags.DEFINE_boolean flags.DEFINE_float flags.DEFINE_integer flags.DEFINE_string flags.FLAGS
        gfile.Copy gfile.DeleteRecursively gfile.Exists gfile.FastGFile gfile.GFile gfile.Glob gfile.IsDirectory
        gfile.ListDirectory gfile.MakeDirs gfile.Remove logging.INFO logging.info logging.set_verbosity
        graph_util.convert_variables_to_constants image.adjust_brightness image.adjust_contrast image.adjust_hue
        image.adjust_saturation image.central_crop image.crop_to_bounding_box image.flip_left_right
        image.flip_up_down image.grayscale_to_rgb image.pad_to_bounding_box image.per_image_standardization
        image.random_brightness image.random_contrast image.random_flip_left_right image.resize_bicubic
        image.resize_bilinear image.resize_image_with_crop_or_pad image.resize_images
        image.resize_nearest_neighbor image.rgb_to_grayscale nn.atrous_conv2d nn.conv2d_transpose nn.depthwise_conv2d
        nn.separable_conv2d random_crop train.ExponentialMovingAverage train.import_meta_graph
        train.MonitoredTrainingSession train.Supervisor
        contrib.layers.batch_norm contrib.layers.conv2d contrib.layers.dropout contrib.layers.flatten
        contrib.layers.fully_connected contrib.layers.l2_regularizer contrib.layers.max_pool2d
        contrib.layers.variance_scaling_initializer contrib.layers.xavier_initializer
        contrib.layers.xavier_initializer_conv2d contrib.slim.arg_scope contrib.slim.assign_from_checkpoint_fn
        contrib.slim.batch_norm contrib.slim.conv2d contrib.slim.dropout contrib.slim.flatten
        contrib.slim.fully_connected contrib.slim.get_model_variables contrib.slim.get_variables_to_restore
        contrib.slim.l2_regularizer contrib.slim.learning.create_train_op contrib.slim.learning.train
        contrib.slim.max_pool2d contrib.slim.nets.vgg.vgg_16 contrib.slim.nets.vgg.vgg_arg_scope contrib.slim.repeat
        examples.tutorials.mnist.input_data.read_data_sets
    """,
}


def names(tier: int) -> list[str]:
    """The names of a tier, without "tf."."""
    return TIERS[tier].split()
