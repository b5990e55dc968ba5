import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.*;
import org.elasticsearch.ResourceNotFoundException;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.admin.indices.delete.DeleteIndexRequest;
import org.elasticsearch.action.support.*;
import org.elasticsearch.action.support.master.AcknowledgedResponse;
import org.elasticsearch.client.internal.*;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.*;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.*;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.injection.guice.Inject;
import org.elasticsearch.plugins.*;
import org.elasticsearch.rest.*;
import org.elasticsearch.rest.action.*;
import org.elasticsearch.tasks.Task;
import org.elasticsearch.threadpool.Scheduler;
import org.elasticsearch.transport.TransportService;
import org.elasticsearch.xcontent.*;
import org.elasticsearch.xpack.core.ClientHelper;
import org.elasticsearch.xpack.core.ilm.*;
import org.elasticsearch.xpack.core.ilm.action.*;

/**
 * The life cycle as far as a policy deletes: Elastic's x-pack-ilm, which runs policies, is not on Maven Central. Policies, settings, actions,
 * rights and the date in a name are Elastic's own, from x-pack-core; what is here keeps the policies in memory and deletes what has its age.
 */
public class LifecyclePlugin extends Plugin implements ActionPlugin {
    static final Map<String, LifecyclePolicy> POLICIES = new ConcurrentHashMap<>();

    @Override public List<Setting<?>> getSettings() {
        return List.of(LifecycleSettings.LIFECYCLE_NAME_SETTING, LifecycleSettings.LIFECYCLE_POLL_INTERVAL_SETTING);
    }

    @Override public List<NamedXContentRegistry.Entry> getNamedXContent() {
        return List.of(
            new NamedXContentRegistry.Entry(LifecycleType.class, new ParseField(TimeseriesLifecycleType.TYPE), p -> TimeseriesLifecycleType.INSTANCE),
            new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(DeleteAction.NAME), DeleteAction::parse));
    }

    @Override public Collection<?> createComponents(PluginServices services) {
        new Runner(services);
        return List.of();
    }

    @Override public List<ActionHandler<?, ?>> getActions() {
        return List.of(new ActionHandler<>(ILMActions.PUT, Put.class), new ActionHandler<>(GetLifecycleAction.INSTANCE, Get.class));
    }

    @Override public Collection<RestHandler> getRestHandlers(Settings settings, NamedWriteableRegistry registry, RestController controller,
            ClusterSettings clusterSettings, IndexScopedSettings indexSettings, SettingsFilter filter,
            IndexNameExpressionResolver resolver, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
        return List.of(new Rest());
    }

    /** Deletes each index whose policy's delete phase has come, every indices.lifecycle.poll_interval. */
    static class Runner {
        private final PluginServices services;
        private final Client client;
        private Scheduler.Cancellable polling;

        Runner(PluginServices services) {
            this.services = services;
            client = new OriginSettingClient(services.client(), ClientHelper.INDEX_LIFECYCLE_ORIGIN);
            services.clusterService().getClusterSettings()
                .initializeAndWatch(LifecycleSettings.LIFECYCLE_POLL_INTERVAL_SETTING, this::pollEvery);
        }

        private synchronized void pollEvery(TimeValue interval) {
            if (polling != null) polling.cancel();
            polling = services.threadPool().scheduleWithFixedDelay(this::poll, interval, services.threadPool().generic());
        }

        private void poll() {
            long now = System.currentTimeMillis();
            for (IndexMetadata index : services.clusterService().state().metadata()) {
                String name = index.getIndex().getName();
                LifecyclePolicy policy = POLICIES.get(String.valueOf(index.getLifecyclePolicyName()));
                Phase delete = policy == null ? null : policy.getPhases().get("delete");
                boolean byName = IndexLifecycleOriginationDateParser.shouldParseIndexName(index.getSettings());
                long born = byName ? IndexLifecycleOriginationDateParser.parseIndexNameAndExtractDate(name) : index.getCreationDate();
                if (delete == null || now - born < delete.getMinimumAge().millis()) continue;
                client.admin().indices().delete(new DeleteIndexRequest(name), ActionListener.noop());
            }
        }
    }

    public static class Put extends HandledTransportAction<PutLifecycleRequest, AcknowledgedResponse> {
        @Inject public Put(TransportService transport, ActionFilters filters) {
            super(ILMActions.PUT.name(), transport, filters, PutLifecycleRequest::new, transport.getThreadPool().generic());
        }

        @Override protected void doExecute(Task task, PutLifecycleRequest request, ActionListener<AcknowledgedResponse> listener) {
            POLICIES.put(request.getPolicy().getName(), request.getPolicy());
            listener.onResponse(AcknowledgedResponse.TRUE);
        }
    }

    public static class Get extends HandledTransportAction<GetLifecycleAction.Request, GetLifecycleAction.Response> {
        @Inject public Get(TransportService transport, ActionFilters filters) {
            super(GetLifecycleAction.NAME, transport, filters, GetLifecycleAction.Request::new, transport.getThreadPool().generic());
        }

        @Override protected void doExecute(Task task, GetLifecycleAction.Request request, ActionListener<GetLifecycleAction.Response> listener) {
            String name = request.getPolicyNames()[0];
            LifecyclePolicy policy = POLICIES.get(name);
            if (policy == null) listener.onFailure(new ResourceNotFoundException("Lifecycle policy not found: {}", name));
            else listener.onResponse(new GetLifecycleAction.Response(
                List.of(new GetLifecycleAction.LifecyclePolicyResponseItem(policy, 1, "", ItemUsage.EMPTY))));
        }
    }

    static class Rest extends BaseRestHandler {
        @Override public String getName() { return "lifecycle"; }

        @Override public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/_ilm/policy/{name}"), new Route(RestRequest.Method.PUT, "/_ilm/policy/{name}"));
        }

        @Override protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws java.io.IOException {
            String name = request.param("name");
            TimeValue limit = TimeValue.timeValueSeconds(10);
            if (request.method() == RestRequest.Method.GET) {
                var get = new GetLifecycleAction.Request(limit, limit, name);
                return channel -> client.execute(GetLifecycleAction.INSTANCE, get, new RestChunkedToXContentListener<>(channel));
            }
            try (XContentParser parser = request.contentParser()) {
                var put = PutLifecycleRequest.parseRequest(new PutLifecycleRequest.Factory() {
                    @Override public PutLifecycleRequest create(LifecyclePolicy policy) { return new PutLifecycleRequest(limit, limit, policy); }
                    @Override public String getPolicyName() { return name; }
                }, parser);
                return channel -> client.execute(ILMActions.PUT, put, new RestToXContentListener<>(channel));
            }
        }
    }
}
