"""The learned image codec: transforms, context model, what they are trained for."""
