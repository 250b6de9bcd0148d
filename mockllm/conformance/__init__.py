"""The comparison of two responses of one protocol by their form: fields, types, event order, headers, errors."""
