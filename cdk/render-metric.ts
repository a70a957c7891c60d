import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

/** A metric that the render function of a farm tells itself, such as `Frames`. */
export function renderMetric(
  farm: string,
  metricName: string,
  options: cloudwatch.MetricOptions,
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: 'HeliosInfra',
    metricName,
    dimensionsMap: { farm, service: 'render' },
    ...options,
  });
}
